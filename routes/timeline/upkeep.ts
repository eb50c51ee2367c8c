import { and, count, eq, gt, lt, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { DELIVERY } from '../../db/schema/columns.ts'
import type { TaskContext } from '../../plugins/tasks/index.ts'
import type { Snapshot } from './candidates.ts'
import type { Entries } from './entries.ts'
import type { createFilling } from './filling.ts'

/** Hours between two notes of when a reader was last seen. */
const NOTED_EVERY = 24
/** Readers a statement. */
const BATCH = 500

/** Who reads and who has stopped, and rebuilding by hand. */
export function createUpkeep(
  app: FastifyInstance,
  entries: Entries,
  filling: ReturnType<typeof createFilling>,
) {
  const { timelineStates: states, users } = app.tables
  const { TIMELINE_IDLE_DAYS } = app.config.timeline

  /** Notes a visit, once a day; entries for a reader who is new or was away come from a job. */
  async function seen(readerId: number, { unseenHours }: Pick<Snapshot, 'unseenHours'>) {
    if (unseenHours !== undefined && unseenHours < NOTED_EVERY) return
    await app.transaction(async (tx) => {
      const [result] = await tx
        .insert(states)
        .values({ readerId, seenAt: sql`NOW(3)` })
        .onDuplicateKeyUpdate({ set: { seenAt: sql`NOW(3)` } })
      if (result.affectedRows > 0) await app.jobs.add(tx, ['timeline.fill'], { readerId })
    })
  }

  /** Takes the entries of those who have stayed away; they cost space and work for nobody. */
  async function retire() {
    const days = sql.raw(String(TIMELINE_IDLE_DAYS))
    const idle = (): SQL | undefined =>
      and(
        gt(states.delivery, DELIVERY.merged),
        lt(states.seenAt, sql`NOW(3) - INTERVAL ${days} DAY`),
      )
    for (let found = BATCH; found === BATCH && !app.drain.signal.aborted; ) {
      const rows = await app.db.select().from(states).where(idle()).limit(BATCH)
      for (const { readerId, version } of rows) {
        const gone = { delivery: DELIVERY.merged, version: version + 1 }
        const same = and(eq(states.readerId, readerId), eq(states.version, version), idle())
        const [result] = await app.db.update(states).set(gone).where(same)
        if (result.affectedRows === 1) await entries.clear(readerId, version + 1)
      }
      found = rows.length
    }
  }

  /** All timelines that are kept ready, or one. What was interrupted is gone on with. */
  async function rebuildTask({ progress, signal, argument }: TaskContext) {
    if (argument !== undefined) return rebuildOne(argument, signal)
    if ((await countStale()) === 0) await markAll()
    const total = await countStale()
    progress(0, total)
    let after = 0
    for (let done = 0; ; ) {
      const some = await app.db
        .select({ id: states.readerId })
        .from(states)
        .where(and(eq(states.stale, true), gt(states.readerId, after)))
        .orderBy(states.readerId)
        .limit(BATCH)
      for (const { id } of some) {
        signal.throwIfAborted()
        await rebuild(id, signal)
        progress(++done, total)
      }
      after = some.at(-1)?.id ?? after
      if (some.length < BATCH) return `${done} timelines are rebuilt.`
    }
  }

  async function rebuildOne(argument: string, signal: AbortSignal) {
    const readerId = /^[1-9]\d{0,15}$/.test(argument) ? Number(argument) : 0
    const [user] = await app.db.select().from(users).where(eq(users.id, readerId))
    if (!user) throw new Error(`There is no user ${argument}; give the id of one, or nothing.`)
    await app.db
      .insert(states)
      .values({ readerId, seenAt: sql`NOW(3)` })
      .onDuplicateKeyUpdate({ set: { readerId } })
    await rebuild(readerId, signal)
    return `The timeline of user ${readerId} is rebuilt.`
  }

  async function rebuild(readerId: number, signal: AbortSignal) {
    await filling.rebuild(readerId, signal)
    await filling.fill(readerId, signal)
  }

  const markAll = () =>
    app.db.update(states).set({ stale: true }).where(gt(states.delivery, DELIVERY.merged))

  async function countStale() {
    const [row] = await app.db.select({ n: count() }).from(states).where(eq(states.stale, true))
    return row?.n ?? 0
  }

  return { seen, retire, rebuildTask }
}
