import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, gt, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import type { Entries } from './entries.ts'
import type { Popularity } from './popularity.ts'
import { createMergeByAuthor, TOP } from './read/merge-by-author.ts'
import { SIZES } from './sizes.ts'

/**
 * Materialises what is merged, always in this order: mark as `filling`, commit, then read the
 * tweets. A tweet whose fan-out saw no mark was committed before, so the read includes it.
 */
export function createBackfill(
  app: FastifyInstance,
  entries: Entries,
  popularity: Popularity,
  sizes = SIZES,
) {
  const { follows, popularAuthors, timelineEntries, timelineStates, tweets, userCounts } =
    app.tables
  const { TIMELINE_KEEP: KEEP, FANOUT_LIMIT } = app.config.timeline
  const mergeByAuthor = createMergeByAuthor(app, sizes)

  /** Completes the timeline of a new or returning reader. */
  async function fillReader(readerId: number, signal: AbortSignal) {
    const [state] = await app.db
      .select()
      .from(timelineStates)
      .where(eq(timelineStates.readerId, readerId))
    if (!state) return
    if (state.delivery !== DELIVERY.materialised) await rebuild(readerId, signal)
    await backfillFollows(eq(follows.followerId, readerId), signal)
  }

  /** Rebuilds the entries from the newest tweets of the reader and of materialised followees. */
  async function rebuild(readerId: number, signal: AbortSignal) {
    const version = await entries.begin(readerId)
    if (version === undefined) return
    await entries.deleteAll(readerId, version)
    const followees = await app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .where(and(eq(follows.followerId, readerId), eq(follows.delivery, DELIVERY.materialised)))
    const authorIds = [readerId, ...followees.map(({ id }) => id)]
    const found: number[] = []
    let below = TOP
    while (found.length < KEEP && below > 0) {
      signal.throwIfAborted()
      const limit = Math.min(sizes.idsPerRebuildStep, KEEP - found.length)
      const { ids, from } = await mergeByAuthor(authorIds, { below, from: 0, limit })
      await entries.add(readerId, version, ids)
      found.push(...ids)
      below = from
    }
    await entries.finish(readerId, version, below)
  }

  /** Backfills these merged follows if the author is not popular and the reader is active. */
  async function backfillFollows(which: SQL | undefined, signal: AbortSignal) {
    let after = 0
    for (let more = true; more; ) {
      const rows = await app.db
        .select({
          id: follows.id,
          readerId: follows.followerId,
          authorId: follows.followeeId,
          followers: userCounts.followers,
        })
        .from(follows)
        .innerJoin(timelineStates, eq(timelineStates.readerId, follows.followerId))
        .leftJoin(popularAuthors, eq(popularAuthors.authorId, follows.followeeId))
        .leftJoin(userCounts, eq(userCounts.userId, follows.followeeId))
        .where(
          and(
            which,
            lt(follows.delivery, DELIVERY.materialised),
            eq(timelineStates.delivery, DELIVERY.materialised),
            isNull(popularAuthors.authorId),
            gt(follows.id, after),
          ),
        )
        .orderBy(follows.id)
        .limit(sizes.rowsPerBatch)
      for (const { readerId, authorId, followers } of rows) {
        signal.throwIfAborted()
        // FANOUT_LIMIT may have been lowered since the author's last follow.
        if ((followers ?? 0) > FANOUT_LIMIT && (await popularity.check(authorId))) continue
        await backfillFollow(readerId, authorId)
        await entries.trim([readerId])
      }
      after = rows.at(-1)?.id ?? after
      more = rows.length === sizes.rowsPerBatch
    }
  }

  /** Adds the author's tweets down to the floor, which rises if they exceed TIMELINE_KEEP. */
  async function backfillFollow(readerId: number, authorId: number) {
    const pair = and(eq(follows.followerId, readerId), eq(follows.followeeId, authorId))
    const marked = and(pair, lt(follows.delivery, DELIVERY.materialised))
    const mark = { delivery: DELIVERY.filling }
    await app.transaction((tx) => tx.update(follows).set(mark).where(marked))
    await app.transaction(async (tx) => {
      const state = await entries.lock(tx, readerId)
      // Incomplete entries have no floor; this follow is filled again after the rebuild.
      if (state?.delivery !== DELIVERY.materialised) return
      const filling = and(pair, eq(follows.delivery, DELIVERY.filling))
      const change = { delivery: DELIVERY.materialised }
      const [result] = await tx.update(follows).set(change).where(filling)
      if (result.affectedRows === 0) return
      app.cache.invalidate(tx, 'relations', [readerId])
      const [last] = await tx
        .select({ id: tweets.id })
        .from(tweets)
        .where(and(eq(tweets.authorId, authorId), gt(tweets.id, state.floorId)))
        .orderBy(desc(tweets.id))
        .limit(1)
        .offset(KEEP - 1)
      const floorId = last?.id ?? state.floorId
      if (last)
        await tx
          .update(timelineStates)
          .set({ floorId })
          .where(eq(timelineStates.readerId, readerId))
      await tx.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
        SELECT ${readerId}, ${tweets.id} FROM ${tweets} WHERE ${tweets.authorId} = ${authorId} AND ${tweets.id} >= ${floorId}`)
    })
  }

  return { fillReader, rebuild, backfillFollow, backfillFollows }
}
