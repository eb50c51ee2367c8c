import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt, lt, type SQL, sql } from 'drizzle-orm'
import type { ResultSetHeader } from 'mysql2'
import { DELIVERY } from './delivery.ts'
import type { Entries } from './entries.ts'

/** Hours between two updates of `seenAt`. */
const RECORD_EVERY = 24
/** Readers per statement. */
const READERS_PER_BATCH = 500

/** Tracks when readers were last seen, and purges the entries of idle readers. */
export function createReaderActivity(app: FastifyInstance, entries: Entries) {
  const { timelineStates: states, users } = app.tables
  const { TIMELINE_IDLE_DAYS } = app.config.timeline

  /** Records a visit once a day, and queues a job that fills the timeline of a new or returning reader. */
  async function recordVisit(
    readerId: number,
    { unseenHours }: { unseenHours: number | undefined },
  ) {
    if (unseenHours !== undefined && unseenHours < RECORD_EVERY) return
    await app.transaction(async (tx) => {
      // Inserts nothing when the account has been deleted since the access token was issued.
      const [result] = await tx.execute(sql`INSERT INTO ${states} (reader_id, seen_at)
        SELECT ${users.id}, NOW(3) FROM ${users} WHERE ${users.id} = ${readerId} AND ${users.deletedAt} IS NULL
        ON DUPLICATE KEY UPDATE seen_at = NOW(3)`)
      if ((result as ResultSetHeader).affectedRows === 0) return
      app.cache.invalidate(tx, 'relations', [readerId])
      await app.jobs.add(tx, ['timeline.fill'], { readerId })
    })
  }

  /** Deletes the entries of readers who have been away for TIMELINE_IDLE_DAYS. */
  async function dropIdle(signal: AbortSignal) {
    const days = sql.raw(String(TIMELINE_IDLE_DAYS))
    const idle = (): SQL | undefined =>
      and(
        gt(states.delivery, DELIVERY.merged),
        lt(states.seenAt, sql`NOW(3) - INTERVAL ${days} DAY`),
      )
    for (let found = READERS_PER_BATCH; found === READERS_PER_BATCH && !isOver(signal); ) {
      const rows = await app.db.select().from(states).where(idle()).limit(READERS_PER_BATCH)
      for (const { readerId, version } of rows) {
        if (isOver(signal)) return
        const gone = { delivery: DELIVERY.merged, version: version + 1 }
        const same = and(eq(states.readerId, readerId), eq(states.version, version), idle())
        const [result] = await app.transaction((tx) => tx.update(states).set(gone).where(same))
        if (result.affectedRows === 1) await entries.deleteAll(readerId, version + 1)
      }
      found = rows.length
    }
  }

  const isOver = (signal: AbortSignal) => signal.aborted || app.drain.signal.aborted

  return { recordVisit, dropIdle }
}
