import {
  and,
  asc,
  count,
  desc,
  eq,
  inArray,
  isNotNull,
  isNull,
  lte,
  min,
  or,
  sql,
} from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import type { ResultSetHeader } from 'mysql2'
import { jobs } from '../../db/schema/index.ts'
import type { Db, Tx } from '../db/client.ts'
import { batch, beforeCommit, type Transaction } from '../db/transaction.ts'
import { LEVELS } from './cause.ts'

/** Seconds of a lease; the worker renews it every third of that time. */
export const LEASE = 30
/** One in so many looks begins with the newest jobs of the highest level, so that some run however many others wait. */
const HIGH_LEVELS_EVERY = 8

/** `payload` and `progress` are JSON, which may be broken in a row that was written by hand. */
export type Job = {
  id: number
  name: string
  payload: string
  progress: string | null
  attempts: number
  account: number | null
  level: number
}
const columns = {
  id: jobs.id,
  name: jobs.name,
  payload: sql<string>`${jobs.payload}`,
  progress: sql<string | null>`${jobs.progress}`,
  attempts: jobs.attempts,
  account: jobs.account,
  level: jobs.level,
}

export type Claim = { id: number; token: string }

const microseconds = (seconds: number) => Math.round(seconds * 1e6)
const later = (seconds: number) => sql`NOW(3) + INTERVAL ${microseconds(seconds)} MICROSECOND`
const hitOneRow = ([result]: [ResultSetHeader, unknown]) => result.affectedRows === 1

/**
 * Reads and writes the rows of `jobs`. `run_at` is the time at which a waiting job is due and at which the
 * lease of a running job expires, so a job whose worker died becomes due again. All times are the
 * database's. Every change of a running job requires the token of its claim.
 */
export function createJobStore(db: Db, transaction: Transaction) {
  const live = and(isNull(jobs.deadAt), sql`${jobs.runAt} <= NOW(3)`)

  type NewRow = [
    name: string,
    payload: string,
    account: number | null,
    level: number,
    delay: number,
  ]
  const enqueue = beforeCommit<NewRow>((rows) => ({
    sql: `INSERT INTO jobs (name, payload, account, level, run_at) VALUES ${rows
      .map(() => '(?, ?, ?, ?, NOW(3) + INTERVAL ? MICROSECOND)')
      .join(', ')}`,
    values: rows.flat(),
  }))

  type Origin = Pick<Job, 'account' | 'level'>
  function insert(
    tx: Tx,
    names: string[],
    payload: unknown,
    { account, level, delay }: Origin & { delay: number },
  ) {
    const [text, wait] = [JSON.stringify(payload), microseconds(delay)]
    enqueue(
      tx,
      names.map((name) => [name, text, account, level, wait]),
    )
  }

  async function ensureRecurring(name: string) {
    const row = { name, payload: {}, uniqueKey: name, runAt: later(0) }
    await db.insert(jobs).ignore().values(row)
  }

  /**
   * Names that have a due job, including names that no handler here knows. MariaDB and MySQL look up the
   * earliest live job of each name and level in `jobs_due`, so the cost does not grow with the number of jobs.
   */
  async function dueNames() {
    const rows = await db
      .select({ name: jobs.name })
      .from(jobs)
      .where(isNull(jobs.deadAt))
      .groupBy(jobs.name, jobs.level)
      .having(lte(min(jobs.runAt), sql`NOW(3)`))
    return [...new Set(rows.map(({ name }) => name))]
  }

  /**
   * Returns due jobs up to a limit per name, so that many jobs of one name do not delay other names, and
   * mostly low levels first, so that many jobs of one account do not delay those of others.
   */
  async function due(names: string[], limitOf: (name: string) => number) {
    const direction = Math.random() < 1 / HIGH_LEVELS_EVERY ? desc : asc
    const ofName = (name: string) =>
      db
        .select({ id: jobs.id, name: jobs.name, attempts: jobs.attempts })
        .from(jobs)
        .where(and(eq(jobs.name, name), inArray(jobs.level, LEVELS), live))
        .orderBy(direction(jobs.level), direction(jobs.runAt))
        .limit(limitOf(name))
    const [first, second, ...rest] = names.map(ofName)
    if (!first) return []
    return second ? await unionAll(first, second, ...rest) : await first
  }

  async function countDead() {
    const [row] = await db.select({ n: count() }).from(jobs).where(isNotNull(jobs.deadAt))
    return row?.n ?? 0
  }

  /**
   * Deletes completed jobs and claims others in one transaction, with one round trip before the commit.
   * Claiming is a compare-and-set: the worker whose UPDATE changes the row gets the job.
   */
  async function completeAndClaim(done: Claim[], ids: number[], token: string): Promise<Job[]> {
    const candidates = inArray(jobs.id, ids)
    const change = { token, runAt: later(LEASE), attempts: sql`${jobs.attempts} + 1` }
    const [, , claimed] = await transaction((tx) =>
      batch(
        tx,
        (db) => db.delete(jobs).where(or(sql`FALSE`, ...done.map(claimedBy))),
        (db) => db.update(jobs).set(change).where(and(candidates, live)),
        (db) =>
          db
            .select(columns)
            .from(jobs)
            .where(and(candidates, eq(jobs.token, token))),
      ),
    )
    return claimed
  }

  const claimedBy = ({ id, token }: Claim) => owned(id, token)

  const owned = (id: number, token: string) => and(eq(jobs.id, id), eq(jobs.token, token))

  const update = async (id: number, token: string, change: object) =>
    hitOneRow(await db.update(jobs).set(change).where(owned(id, token)))

  return {
    insert,
    ensureRecurring,
    dueNames,
    due,
    countDead,
    completeAndClaim,
    renew: (id: number, token: string) => update(id, token, { runAt: later(LEASE) }),
    save: (id: number, token: string, progress: unknown) =>
      update(id, token, { progress, runAt: later(LEASE) }),
    retry: (id: number, token: string, delay: number, error: string | null) =>
      update(id, token, { token: null, runAt: later(delay), error }),
    repeat: (id: number, token: string, delay: number) =>
      update(id, token, {
        token: null,
        runAt: later(delay),
        attempts: 0,
        error: null,
        progress: null,
      }),
    markDead: (id: number, token: string, error: string) =>
      update(id, token, { token: null, deadAt: sql`NOW(3)`, error }),
  }
}

export type JobStore = ReturnType<typeof createJobStore>
