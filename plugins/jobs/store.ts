import { and, count, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import type { ResultSetHeader } from 'mysql2'
import { jobs } from '../../db/schema/index.ts'
import type { Db, Tx } from '../db.ts'

/** Seconds; a worker renews it three times as often as it runs out. */
export const LEASE = 30

export type Job = {
  id: number
  name: string
  payload: unknown
  progress: unknown
  attempts: number
}

const later = (seconds: number) => sql`NOW(3) + INTERVAL ${Math.round(seconds * 1e6)} MICROSECOND`
const one = ([result]: [ResultSetHeader, unknown]) => result.affectedRows === 1

/**
 * The rows of `jobs`. `run_at` is when a waiting job is due and when the lease of a running one
 * ends, so a job whose worker died is simply due again; the clock is the database's. Whoever holds
 * the token owns the job: every change of a running job asks for it.
 */
export function createJobStore(db: Db) {
  const live = and(isNull(jobs.deadAt), sql`${jobs.runAt} <= NOW(3)`)

  async function insert(tx: Tx, names: string[], payload: unknown, delay: number) {
    await tx.insert(jobs).values(names.map((name) => ({ name, payload, runAt: later(delay) })))
  }

  async function ensureRecurring(name: string) {
    const row = { name, payload: {}, uniqueKey: name, runAt: later(0) }
    await db.insert(jobs).ignore().values(row)
  }

  /** Due jobs, up to `limit` of each name, so that a flood of one starves no other. */
  async function due(names: string[], limit: number) {
    const ofName = (name: string) =>
      db
        .select({ id: jobs.id, name: jobs.name })
        .from(jobs)
        .where(and(eq(jobs.name, name), live))
        .orderBy(jobs.runAt)
        .limit(limit)
    const [first, second, ...rest] = names.map(ofName)
    if (!first) return []
    return second ? await unionAll(first, second, ...rest) : await first
  }

  /** How many jobs have been given up. */
  async function countDead() {
    const [row] = await db.select({ n: count() }).from(jobs).where(isNotNull(jobs.deadAt))
    return row?.n ?? 0
  }

  /** A compare-and-set: of all workers that try, the one whose UPDATE hits the row has the job. */
  async function claim(id: number, token: string): Promise<Job | undefined> {
    const change = { token, runAt: later(LEASE), attempts: sql`${jobs.attempts} + 1` }
    const claimed = one(
      await db
        .update(jobs)
        .set(change)
        .where(and(eq(jobs.id, id), live)),
    )
    if (!claimed) return undefined
    const [job] = await db.select().from(jobs).where(owned(id, token))
    return job
  }

  const owned = (id: number, token: string) => and(eq(jobs.id, id), eq(jobs.token, token))

  const update = async (id: number, token: string, change: object) =>
    one(await db.update(jobs).set(change).where(owned(id, token)))

  return {
    insert,
    ensureRecurring,
    due,
    countDead,
    claim,
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
    bury: (id: number, token: string, error: string) =>
      update(id, token, { token: null, deadAt: sql`NOW(3)`, error }),
    remove: async (id: number, token: string) => one(await db.delete(jobs).where(owned(id, token))),
  }
}

export type JobStore = ReturnType<typeof createJobStore>
