import { and, eq, gt, lt, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { ResultSetHeader } from 'mysql2'
import { DELIVERY } from '../../db/schema/columns.ts'
import type { Snapshot } from './candidates.ts'
import type { Entries } from './entries.ts'

/** Hours between two notes of when a reader was last seen. */
const NOTED_EVERY = 24
/** Readers a statement. */
const BATCH = 500

/** Who reads, and who has stopped. */
export function createVisits(app: FastifyInstance, entries: Entries) {
  const { timelineStates: states, users } = app.tables
  const { TIMELINE_IDLE_DAYS } = app.config.timeline

  /** Notes a visit, once a day; entries for a reader who is new or was away come from a job. */
  async function seen(readerId: number, { unseenHours }: Pick<Snapshot, 'unseenHours'>) {
    if (unseenHours !== undefined && unseenHours < NOTED_EVERY) return
    await app.transaction(async (tx) => {
      // Nothing for an account that has been deleted since it was signed in.
      const [result] = await tx.execute(sql`INSERT INTO ${states} (reader_id, seen_at)
        SELECT ${users.id}, NOW(3) FROM ${users} WHERE ${users.id} = ${readerId} AND ${users.deletedAt} IS NULL
        ON DUPLICATE KEY UPDATE seen_at = NOW(3)`)
      if ((result as ResultSetHeader).affectedRows === 0) return
      app.cache.touch(tx, 'relations', [readerId])
      await app.jobs.add(tx, ['timeline.fill'], { readerId })
    })
  }

  /** Takes the entries of those who have stayed away; they cost space and work for nobody. */
  async function retire(signal: AbortSignal) {
    const days = sql.raw(String(TIMELINE_IDLE_DAYS))
    const idle = (): SQL | undefined =>
      and(
        gt(states.delivery, DELIVERY.merged),
        lt(states.seenAt, sql`NOW(3) - INTERVAL ${days} DAY`),
      )
    for (let found = BATCH; found === BATCH && !isOver(signal); ) {
      const rows = await app.db.select().from(states).where(idle()).limit(BATCH)
      for (const { readerId, version } of rows) {
        if (isOver(signal)) return
        const gone = { delivery: DELIVERY.merged, version: version + 1 }
        const same = and(eq(states.readerId, readerId), eq(states.version, version), idle())
        const [result] = await app.transaction((tx) => tx.update(states).set(gone).where(same))
        if (result.affectedRows === 1) await entries.clear(readerId, version + 1)
      }
      found = rows.length
    }
  }

  const isOver = (signal: AbortSignal) => signal.aborted || app.drain.signal.aborted

  return { seen, retire }
}
