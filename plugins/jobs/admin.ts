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
  not,
  type SQL,
  sql,
} from 'drizzle-orm'
import type { ResultSetHeader } from 'mysql2'
import { jobs } from '../../db/schema/index.ts'
import type { Db } from '../db/client.ts'

export const STATES = ['dead', 'waiting', 'running'] as const
export type State = (typeof STATES)[number]
export type Filter = { state?: State | undefined; name?: string | undefined }
export type JobView = NonNullable<Awaited<ReturnType<JobAdmin['find']>>>
export type JobAdmin = ReturnType<typeof createJobAdmin>

/** Most rows of one UPDATE, so that workers do not wait for its locks. */
const ROWS_PER_TRANSACTION = 500

const dead = isNotNull(jobs.deadAt)
// A lease that has expired means that the worker died; the job is due again.
const leased = sql`${jobs.token} IS NOT NULL AND ${jobs.runAt} > NOW(3)`
const CONDITIONS: Record<State, SQL | undefined> = {
  dead,
  running: and(isNull(jobs.deadAt), leased),
  waiting: and(isNull(jobs.deadAt), not(sql`(${leased})`)),
}

const columns = {
  id: jobs.id,
  name: jobs.name,
  state: sql<State>`CASE WHEN ${dead} THEN 'dead' WHEN ${leased} THEN 'running' ELSE 'waiting' END`,
  attempts: jobs.attempts,
  error: jobs.error,
  runAt: jobs.runAt,
  deadAt: jobs.deadAt,
  createdAt: jobs.createdAt,
  uniqueKey: jobs.uniqueKey,
  // As text, so that a job with broken JSON is listed too.
  payload: sql<string>`${jobs.payload}`,
  progress: sql<string | null>`${jobs.progress}`,
}

type Row = Omit<typeof jobs.$inferSelect, 'token' | 'account' | 'level'> & {
  state: State
  payload: string
  progress: string | null
}

const view = ({ runAt, payload, progress, ...job }: Row) => ({
  ...job,
  dueAt: job.state === 'waiting' ? runAt : null,
  leaseEndsAt: job.state === 'running' ? runAt : null,
  payload: parsed(payload),
  progress: parsed(progress),
})

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return text
  }
}

export function createJobAdmin(db: Db) {
  const matching = ({ state, name }: Filter) =>
    and(state && CONDITIONS[state], name === undefined ? undefined : eq(jobs.name, name))

  /** Lists dead jobs with the newest death first, all others with the oldest job first, which may be stuck. */
  async function list(filter: Filter, limit: number) {
    const order = filter.state === 'dead' ? [desc(jobs.deadAt), desc(jobs.id)] : [asc(jobs.id)]
    const where = matching(filter)
    const rows = await db
      .select(columns)
      .from(jobs)
      .where(where)
      .orderBy(...order)
      .limit(limit)
    const [{ total } = { total: 0 }] = await db.select({ total: count() }).from(jobs).where(where)
    return { items: rows.map(view), total }
  }

  async function find(id: number) {
    const [row] = await db.select(columns).from(jobs).where(eq(jobs.id, id))
    return row && view(row)
  }

  /** Makes these dead jobs due now with no attempts counted; returns their number. */
  async function revive(ids: number[]) {
    const change = { deadAt: null, attempts: 0, runAt: sql`NOW(3)`, token: null }
    const where = and(inArray(jobs.id, ids), dead)
    const [result]: [ResultSetHeader, unknown] = await db.update(jobs).set(change).where(where)
    return result.affectedRows
  }

  /** Revives all jobs that are dead at the time of the call; returns their number. */
  async function reviveAll(name?: string) {
    const [{ now } = { now: new Date() }] = await db
      .select({ now: sql`NOW(3)`.mapWith(jobs.deadAt) })
      .from(sql`DUAL`)
    const where = and(matching({ state: 'dead', name }), lte(jobs.deadAt, now))
    for (let total = 0; ; ) {
      const rows = await db
        .select({ id: jobs.id })
        .from(jobs)
        .where(where)
        .limit(ROWS_PER_TRANSACTION)
      if (rows.length === 0) return total
      total += await revive(rows.map(({ id }) => id))
    }
  }

  return { list, find, revive, reviveAll }
}
