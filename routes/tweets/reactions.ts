import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray } from 'drizzle-orm'
import type { TweetCache, TweetCounts } from './cache.ts'
import type { TweetVisibility } from './visibility.ts'

type Reaction = { tweetId: number; userId: number }

export const TweetNotFound = createError('TWEET_NOT_FOUND', 'There is no tweet %s.', 404)

/** Likes and retweets. Acting on a retweet acts on its original. */
export function createReactions(
  app: FastifyInstance,
  counts: TweetCounts,
  cache: TweetCache,
  visibility: TweetVisibility,
) {
  const { tweets, likes } = app.tables

  type Tweet = { authorId: number; retweetOfId?: number }
  const retweeter = ({ authorId, retweetOfId }: Tweet) => (retweetOfId ? [authorId] : [])
  app.cache.invalidateOn('reactions', {
    'tweet.liked': ({ userId }) => [userId],
    'tweet.unliked': ({ userId }) => [userId],
    'tweet.created': retweeter,
    'tweet.deleted': retweeter,
  })

  const readVisible = app.prepareForIds((ids, db) => {
    const where = and(inArray(tweets.id, ids), visibility.notDeleted)
    const viewerId = app.placeholder('viewerId')
    return visibility.visible({ viewerId, where, limit: ids.length, unmarked: true }, db)
  })

  /** Returns the original of a retweet, or the id itself. @throws TweetNotFound, also if hidden */
  async function originalOf(tx: Tx, id: number, viewerId: number) {
    const [row] = await readVisible([id], { viewerId }, tx)
    if (!row) throw new TweetNotFound(id)
    return row.originalId ?? row.id
  }

  /** Idempotent. @throws TweetNotFound */
  async function like(id: number, userId: number, outer?: Tx) {
    // The original of a retweet never changes, so any cached row will do.
    const known = (await cache.rows.get([id], outer)).get(id)
    await app.transaction(async (tx) => {
      // For an original, one check after the insert is enough.
      const isOriginal = known && known.originalId === null
      const tweetId = isOriginal ? id : await originalOf(tx, id, userId)
      const row = { tweetId, userId }
      if ((await insertChecked(tx, insertLike, row, id)) === undefined) return
      await counts.add(tx, new Map([[tweetId, { likes: 1 }]]))
      await app.events.emit(tx, 'tweet.liked', row)
    }, outer)
  }

  const insertLike = app.prepareQuery((db) =>
    db
      .insert(likes)
      .values({ tweetId: app.placeholder('tweetId'), userId: app.placeholder('userId') }),
  )
  const insertRetweet = app.prepareQuery((db) =>
    db
      .insert(tweets)
      .values({ authorId: app.placeholder('userId'), retweetOfId: app.placeholder('tweetId') }),
  )

  type Insert = (row: Reaction, db: Tx) => Promise<[{ insertId: number }, unknown]>

  /**
   * Returns the id of the new row, or undefined if it exists. The row's foreign keys lock tweet and
   * account until both are checked. @throws TweetNotFound with the requested id
   */
  async function insertChecked(tx: Tx, insert: Insert, row: Reaction, id: number) {
    const { tweetId, userId } = row
    try {
      const [[{ insertId }]] = await app.batch(
        tx,
        (db) => insert(row, db),
        (db) => originalOf(db, tweetId, userId),
        (db) => app.users.assertExist(db, [userId]),
      )
      return insertId
    } catch (error) {
      if (app.errors.isMissingParent(error)) throw new TweetNotFound(id)
      if (!app.errors.duplicateKey(error)) throw error
      await originalOf(tx, tweetId, userId)
      return undefined
    }
  }

  /** Ignores blocks, so that a reaction can be deleted after a block. @throws TweetNotFound */
  async function existing(tx: Tx, id: number) {
    const [row] = await tx
      .select()
      .from(tweets)
      .where(and(eq(tweets.id, id), visibility.notDeleted))
    if (!row) throw new TweetNotFound(id)
    return row.retweetOfId ?? row.id
  }

  /** @throws TweetNotFound */
  async function unlike(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const tweetId = await existing(tx, id)
      const same = and(eq(likes.userId, userId), eq(likes.tweetId, tweetId))
      const [result] = await tx.delete(likes).where(same)
      if (result.affectedRows === 0) return
      await counts.add(tx, new Map([[tweetId, { likes: -1 }]]))
      await app.events.emit(tx, 'tweet.unliked', { tweetId, userId })
    }, outer)
  }

  /** Idempotent. @throws TweetNotFound */
  async function retweet(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const retweetOfId = await originalOf(tx, id, userId)
      const row = { tweetId: retweetOfId, userId }
      const tweetId = await insertChecked(tx, insertRetweet, row, id)
      if (tweetId === undefined) return
      await counts.add(tx, new Map([[retweetOfId, { retweets: 1 }]]))
      await app.users.counts.add(tx, new Map([[userId, { tweets: 1 }]]))
      await app.events.emit(tx, 'tweet.created', { tweetId, authorId: userId, retweetOfId })
    }, outer)
  }

  const retweetBy = (userId: number, originalId: number) =>
    and(eq(tweets.retweetOfId, originalId), eq(tweets.authorId, userId))

  /** @throws TweetNotFound */
  async function undoRetweet(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      await removeRetweet(tx, await existing(tx, id), userId)
    }, outer)
  }

  async function removeRetweet(tx: Tx, originalId: number, userId: number) {
    const where = retweetBy(userId, originalId)
    const [row] = await tx.select({ id: tweets.id }).from(tweets).where(where).for('update')
    if (!row) return
    await tx.delete(tweets).where(eq(tweets.id, row.id))
    await counts.add(tx, new Map([[originalId, { retweets: -1 }]]))
    await app.users.counts.add(tx, new Map([[userId, { tweets: -1 }]]))
    const payload = { tweetId: row.id, authorId: userId, retweetOfId: originalId }
    await app.events.emit(tx, 'tweet.deleted', payload, { text: '' })
  }

  /** Does nothing if the parent has been erased, since its counters are gone. */
  async function countReply(tx: Tx, parentId: number, change: 1 | -1) {
    const parent = await tx.select({ id: tweets.id }).from(tweets).where(eq(tweets.id, parentId))
    if (parent.length > 0) await counts.add(tx, new Map([[parentId, { replies: change }]]))
  }

  return { like, unlike, retweet, undoRetweet, originalOf, removeRetweet, countReply }
}
