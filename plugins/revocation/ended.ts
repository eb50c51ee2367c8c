import { and, asc, gt, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { createIdsByHour } from './ids-by-hour.ts'

const HOUR = 3600
/** Seconds. Most time from an INSERT to the end of its transaction, twice: clocks may also differ. */
const OVERLAP = 60
/** Seconds by which the database's clock may step; after a larger step every row is read again. */
const MAX_STEP = 30
/** Rows of one SELECT. */
const PAGE = 5_000
/** Sessions in memory, at most; they take 17 to 33 MB. */
const MOST = 1_000_000
/** Milliseconds until a process that found more than `MOST` sessions counts them again. */
const RETRY = 3_600_000

export type Ended = { sessionId: number; until: Date }

/**
 * The ended sessions of `revoked_sessions`, by id in memory. `update` reads rows that are new since the
 * last update. A row becomes visible after its `revoked_at`, when its transaction commits, so the rows of
 * the last `OVERLAP` seconds are read again. While there are more than `most` sessions, none is in
 * memory and each check is a read by primary key.
 */
export function createEnded(app: FastifyInstance, most = MOST) {
  const { revokedSessions } = app.tables
  const ids = createIdsByHour()
  /** The database's clock in seconds at the last update, and this process's in milliseconds. */
  let last: { now: number; at: number } | undefined
  let tooManyAt: number | undefined

  function readPage(since: number, after: number) {
    const { sessionId, revokedAt, until } = revokedSessions
    const page = app.db
      .select({ sessionId, hour: sql<number>`UNIX_TIMESTAMP(${until}) DIV ${HOUR}`.as('hour') })
      .from(revokedSessions)
      .where(
        and(
          gt(revokedAt, sql`FROM_UNIXTIME(${since})`),
          gt(until, sql`NOW(3)`),
          gt(sessionId, after),
        ),
      )
      .orderBy(asc(sessionId))
      .limit(PAGE)
      .as('page')
    return app.db
      .select({
        now: sql`UNIX_TIMESTAMP(NOW(3))`.mapWith(Number),
        sessionId: page.sessionId,
        hour: page.hour,
      })
      .from(sql`(SELECT 1) AS clock`)
      .leftJoin(page, sql`TRUE`)
  }

  async function update() {
    const at = performance.now()
    if (tooManyAt !== undefined && at - tooManyAt < RETRY) return
    tooManyAt = undefined
    let since = last ? last.now - OVERLAP : 0
    let started: number | undefined
    for (let after = 0; ; ) {
      const rows = await readPage(since, after)
      const [{ now } = { now: 0 }] = rows
      started ??= now
      if (since > 0 && last && hasStepped(last, { now, at })) {
        since = 0
        continue
      }
      for (const { sessionId, hour } of rows) if (sessionId) ids.add(Number(hour), sessionId)
      if (ids.size() > most) return giveUp(at)
      if (rows.length < PAGE) break
      after = rows.at(-1)?.sessionId ?? 0
    }
    ids.evictBefore(Math.floor(started / HOUR))
    last = { now: started, at }
  }

  function giveUp(at: number) {
    app.log.warn(`more than ${most} ended sessions: each request reads its own from the database`)
    ids.clear()
    last = undefined
    tooManyAt = at
  }

  const readById = app.prepareQuery((db) =>
    db
      .select({ sessionId: revokedSessions.sessionId })
      .from(revokedSessions)
      .where(sql`${revokedSessions.sessionId} = ${sql.placeholder('id')}`),
  )

  const has = async (id: number) =>
    tooManyAt === undefined ? ids.has(id) : (await readById({ id })).length > 0

  function add(sessions: Ended[]) {
    if (tooManyAt !== undefined) return
    for (const { sessionId, until } of sessions)
      ids.add(Math.floor(until.getTime() / 1000 / HOUR), sessionId)
  }

  return { update, has, add, size: ids.size }
}

type Moment = { now: number; at: number }

/** True if the database's clock moved otherwise than this process's. */
const hasStepped = (before: Moment, { now, at }: Moment) =>
  Math.abs(now - before.now - (at - before.at) / 1000) > MAX_STEP
