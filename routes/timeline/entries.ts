import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import { SIZES } from './sizes.ts'

/** Readers per transaction; keeps locks short. */
const READERS_PER_TRIM = 20

/** A reader's entries. Deleting entries requires the lock on the reader's state. */
export function createEntries(app: FastifyInstance, { rowsPerBatch } = SIZES) {
  const { timelineEntries: entries, timelineStates: states } = app.tables
  const { TIMELINE_KEEP: KEEP } = app.config.timeline
  const of = (readerId: number) => eq(entries.readerId, readerId)

  /**
   * Locks a reader's entries against rebuilds and trims until the transaction ends, by a write:
   * Galera compares writes between nodes, but not SELECT ... FOR UPDATE.
   */
  async function lock(tx: Tx, readerId: number) {
    const own = eq(states.readerId, readerId)
    await tx
      .update(states)
      .set({ turn: sql`${states.turn} + 1` })
      .where(own)
    const [state] = await tx.select().from(states).where(own)
    return state
  }

  /** Adds nothing if a rebuild has begun since `version` or the account has been erased. */
  async function add(readerId: number, version: number, tweetIds: number[]) {
    for (let start = 0; start < tweetIds.length; start += rowsPerBatch) {
      const rows = tweetIds
        .slice(start, start + rowsPerBatch)
        .map((tweetId) => ({ readerId, tweetId }))
      await app.transaction(async (tx) => {
        const state = await lock(tx, readerId)
        if (state?.version === version) await tx.insert(entries).ignore().values(rows)
      })
    }
  }

  /** Deletes all entries, unless a rebuild has begun since `version`. */
  async function deleteAll(readerId: number, version: number) {
    const step = (tx: Tx) =>
      lock(tx, readerId).then(async (state) => {
        if (state?.version !== version) return 0
        const [result] = await tx.delete(entries).where(of(readerId)).limit(rowsPerBatch)
        return result.affectedRows
      })
    while ((await app.transaction(step)) === rowsPerBatch);
  }

  const entryOf = (db: Db | Tx, readerId: number, above: number) =>
    db
      .select({ id: entries.tweetId })
      .from(entries)
      .where(of(readerId))
      .orderBy(desc(entries.tweetId))
      .limit(1)
      .offset(above)

  /** Deletes entries beyond TIMELINE_KEEP and raises the floor; a concurrent read misses none. */
  async function trim(readerIds: number[]) {
    const full: number[] = []
    for (const readerId of readerIds)
      if ((await readBeyond({ readerId })).length > 0) full.push(readerId)
    // Sorted, so that concurrent trims cannot deadlock.
    full.sort((a, b) => a - b)
    for (let start = 0; start < full.length; start += READERS_PER_TRIM)
      await app.transaction((tx) => cutAll(tx, full.slice(start, start + READERS_PER_TRIM)))
  }

  const readBeyond = app.prepareQuery((db) => entryOf(db, app.placeholder('readerId'), KEEP))

  async function cutAll(tx: Tx, readerIds: number[]) {
    for (const readerId of readerIds) while ((await cut(tx, readerId)) === rowsPerBatch);
  }

  async function cut(tx: Tx, readerId: number) {
    const state = await lock(tx, readerId)
    const lowest = await entryAt(tx, readerId, KEEP - 1)
    if (state?.delivery !== DELIVERY.materialised || !lowest) return 0
    const floorId = Math.max(state.floorId, lowest)
    await tx.update(states).set({ floorId }).where(eq(states.readerId, readerId))
    const below = and(of(readerId), lt(entries.tweetId, floorId))
    const [result] = await tx.delete(entries).where(below).limit(rowsPerBatch)
    return result.affectedRows
  }

  async function entryAt(db: Tx, readerId: number, offset: number) {
    const [row] = await entryOf(db, readerId, offset)
    return row?.id
  }

  /** Begins a rebuild: new tweets get entries again, and reads merge until `finish`. */
  const begin = (readerId: number) =>
    app.transaction(async (tx) => {
      await tx
        .update(states)
        .set({ delivery: DELIVERY.filling, version: sql`${states.version} + 1` })
        .where(eq(states.readerId, readerId))
      return (await lock(tx, readerId))?.version
    })

  /** Returns false if another rebuild has begun since. */
  async function finish(readerId: number, version: number, floorId: number) {
    const complete = { delivery: DELIVERY.materialised, floorId }
    const same = and(eq(states.readerId, readerId), eq(states.version, version))
    return app.transaction(async (tx) => {
      const [result] = await tx.update(states).set(complete).where(same)
      app.cache.invalidate(tx, 'relations', [readerId])
      return result.affectedRows === 1
    })
  }

  async function erase(readerId: number) {
    // The state first: without it, no entries are added.
    await app.db.delete(states).where(eq(states.readerId, readerId))
    await app.deleteInBatches(entries, of(readerId))
  }

  return { lock, add, deleteAll, trim, begin, finish, erase }
}

export type Entries = ReturnType<typeof createEntries>
