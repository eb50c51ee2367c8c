import type { FastifyInstance, TaskContext } from 'birdhouse'
import { and, count, eq, gt, inArray, lte, sql } from 'drizzle-orm'
import type { createBackfill } from './backfill.ts'
import { DELIVERY } from './delivery.ts'

/** Readers between two saves of the progress; a few seconds of work. */
const READERS_PER_BATCH = 100

/** `timelines:rebuild` rebuilds entries from tweets and follows while the service runs. */
export function createRebuildTask(
  app: FastifyInstance,
  { rebuild, fillReader }: Pick<ReturnType<typeof createBackfill>, 'rebuild' | 'fillReader'>,
) {
  const { timelineStates: states, users } = app.tables

  /** Rebuilds one timeline, or all that have entries, from where a run was interrupted. */
  async function rebuildTask({ progress, signal, argument }: TaskContext) {
    if (argument !== undefined) return rebuildOne(argument, signal)
    const kept = gt(states.delivery, DELIVERY.merged)
    const from = await reached()
    const total = await countStates(kept)
    let done = await countStates(and(kept, lte(states.readerId, from)))
    progress(done, total)
    for (let after = from; ; ) {
      const batch = await app.db
        .select({ id: states.readerId })
        .from(states)
        .where(and(kept, gt(states.readerId, after)))
        .orderBy(states.readerId)
        .limit(READERS_PER_BATCH)
      for (const { id } of batch) {
        signal.throwIfAborted()
        await renew(id, signal)
        progress(++done, Math.max(done, total))
      }
      const end = batch.at(-1)?.id
      await note(after, end)
      if (end === undefined) return `${done} timelines are rebuilt.`
      after = end
    }
  }

  async function reached() {
    const [row] = await app.db.select().from(states).where(eq(states.rebuiltTo, true)).limit(1)
    return row?.readerId ?? 0
  }

  const note = (before: number, now = 0) =>
    app.transaction((tx) =>
      tx
        .update(states)
        .set({ rebuiltTo: sql`${states.readerId} = ${now}` })
        .where(inArray(states.readerId, [before, now])),
    )

  async function countStates(which: ReturnType<typeof and>) {
    const [row] = await app.db.select({ n: count() }).from(states).where(which)
    return row?.n ?? 0
  }

  async function rebuildOne(argument: string, signal: AbortSignal) {
    const readerId = /^[1-9]\d{0,15}$/.test(argument) ? Number(argument) : 0
    const [user] = await app.db.select().from(users).where(eq(users.id, readerId))
    if (!user)
      throw new Error(`There is no user ${argument}; give the id of a user, or no argument.`)
    await app.db
      .insert(states)
      .values({ readerId, seenAt: sql`NOW(3)` })
      .onDuplicateKeyUpdate({ set: { readerId } })
    await renew(readerId, signal)
    return `The timeline of user ${readerId} is rebuilt.`
  }

  async function renew(readerId: number, signal: AbortSignal) {
    await rebuild(readerId, signal)
    await fillReader(readerId, signal)
  }

  return rebuildTask
}
