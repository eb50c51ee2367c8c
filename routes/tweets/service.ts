import createError from '@fastify/error'
import { and, eq, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createCounter } from '../../db/counter.ts'
import { duplicateKey, isMissingParent, type Tx } from '../../plugins/db.ts'
import { cleanText } from '../../plugins/text.ts'
import { createTweetErasure } from './erasure.ts'
import { createTweetLists } from './lists.ts'
import { createTweetQueries, type TweetMetric } from './queries.ts'
import { TWEET_MAX, Tweet, TweetBody } from './schemas.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tweets: ReturnType<typeof createTweets>
  }
  interface EventPayloads {
    'tweet.created': { tweetId: number; authorId: number; replyToId?: number; retweetOfId?: number }
    'tweet.deleted': { tweetId: number; authorId: number }
    'tweet.liked': { tweetId: number; userId: number }
    'tweet.unliked': { tweetId: number; userId: number }
  }
}

const TweetNotFound = createError('TWEET_NOT_FOUND', 'There is no tweet %s.', 404)
const NotYourTweet = createError('NOT_YOUR_TWEET', 'Only its author can delete a tweet.', 403)

type NewTweet = { authorId: number; text: string; replyToId?: number | undefined }

function createTweets(app: FastifyInstance) {
  const { tweets, likes } = app.tables
  const metrics: TweetMetric[] = ['likes', 'retweets', 'replies']
  const counts = createCounter('tweet', metrics, app.transaction)
  app.addHook('onClose', async () => counts.close())
  const queries = createTweetQueries(app, counts)

  /** @throws TweetNotFound when what it replies to is gone or hidden from the author */
  async function create({ authorId, text, replyToId }: NewTweet, outer?: Tx) {
    const clean = cleanText(text, { field: 'text', min: 1, max: TWEET_MAX })
    return app.transaction(async (tx) => {
      const parentId = replyToId && (await originalOf(tx, replyToId, authorId))
      const row = { authorId, text: clean, ...(parentId && { replyToId: parentId }) }
      const [{ insertId: tweetId }] = await tx.insert(tweets).values(row)
      await app.users.assertExist(tx, [authorId])
      await app.users.counts.add(tx, new Map([[authorId, { tweets: 1 }]]))
      if (parentId) await counts.add(tx, new Map([[parentId, { replies: 1 }]]))
      const reply = parentId ? { replyToId: parentId } : {}
      await app.events.emit(tx, 'tweet.created', { tweetId, authorId, ...reply })
      return getWithin(tx, tweetId, authorId)
    }, outer)
  }

  async function getWithin(tx: Tx, id: number, viewerId: number) {
    const [tweet] = await queries.hydrate([{ id, originalId: null }], viewerId, tx)
    if (!tweet) throw new TweetNotFound(id)
    return tweet
  }

  /** A tweet, or the tombstone of a deleted one. @throws TweetNotFound */
  async function get(id: number, viewerId?: number) {
    const rows = await queries.visible({ viewerId, where: eq(tweets.id, id) })
    const [tweet] = await queries.hydrate(rows, viewerId)
    if (!tweet) throw new TweetNotFound(id)
    return tweet
  }

  /**
   * What acting on a tweet acts on: the original of a retweet, else itself. Only what exists and
   * the viewer may see. @throws TweetNotFound
   */
  async function originalOf(tx: Tx, id: number, viewerId: number) {
    const where = and(eq(tweets.id, id), queries.notDeleted)
    const [row] = await queries.visible({ viewerId, where }, tx)
    if (!row) throw new TweetNotFound(id)
    return row.originalId ?? row.id
  }

  /**
   * Leaves a tombstone without text; a retweet is undone. A job clears up likes and retweets.
   * @throws TweetNotFound, NotYourTweet
   */
  async function remove(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const where = and(eq(tweets.id, id), queries.notDeleted)
      const [row] = await tx.select().from(tweets).where(where).for('update')
      if (!row) throw new TweetNotFound(id)
      if (row.authorId !== userId) {
        await originalOf(tx, id, userId)
        throw new NotYourTweet()
      }
      if (row.retweetOfId) return removeRetweet(tx, row.retweetOfId, userId)
      await tx.update(tweets).set({ text: null, deletedAt: sql`NOW(3)` }).where(where)
      await app.users.counts.add(tx, new Map([[userId, { tweets: -1 }]]))
      if (row.replyToId) await counts.add(tx, new Map([[row.replyToId, { replies: -1 }]]))
      await app.events.emit(tx, 'tweet.deleted', { tweetId: id, authorId: userId })
    }, outer)
  }

  /** Liking twice is liking. @throws TweetNotFound */
  async function like(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const tweetId = await originalOf(tx, id, userId)
      const row = { tweetId, userId }
      if (!(await isNew(tx.insert(likes).values(row), id))) return
      // The new row's foreign key holds the tweet still: a deletion comes wholly before or after.
      await originalOf(tx, tweetId, userId)
      await app.users.assertExist(tx, [userId])
      await counts.add(tx, new Map([[tweetId, { likes: 1 }]]))
      await app.events.emit(tx, 'tweet.liked', row)
    }, outer)
  }

  async function isNew(insert: Promise<unknown>, tweetId: number) {
    try {
      await insert
      return true
    } catch (error) {
      if (duplicateKey(error)) return false
      throw isMissingParent(error) ? new TweetNotFound(tweetId) : error
    }
  }

  /** Taking back works even when a block now hides the tweet. @throws TweetNotFound */
  async function existing(tx: Tx, id: number) {
    const [row] = await tx
      .select()
      .from(tweets)
      .where(and(eq(tweets.id, id), queries.notDeleted))
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

  /** Retweeting twice is retweeting. @throws TweetNotFound */
  async function retweet(id: number, userId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const retweetOfId = await originalOf(tx, id, userId)
      const insert = tx.insert(tweets).values({ authorId: userId, retweetOfId })
      if (!(await isNew(insert, id))) return
      await originalOf(tx, retweetOfId, userId)
      await app.users.assertExist(tx, [userId])
      const [row] = await tx
        .select({ id: tweets.id })
        .from(tweets)
        .where(retweetBy(userId, retweetOfId))
      await counts.add(tx, new Map([[retweetOfId, { retweets: 1 }]]))
      await app.users.counts.add(tx, new Map([[userId, { tweets: 1 }]]))
      await app.events.emit(tx, 'tweet.created', {
        tweetId: row?.id ?? 0,
        authorId: userId,
        retweetOfId,
      })
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
    await app.events.emit(tx, 'tweet.deleted', { tweetId: row.id, authorId: userId })
  }

  return {
    create,
    get,
    remove,
    like,
    unlike,
    retweet,
    undoRetweet,
    counts,
    queries,
    ...createTweetLists(app, queries),
  }
}

export default fp(
  async (app) => {
    app.addSchema(TweetBody)
    app.addSchema(Tweet)
    app.decorate('tweets', createTweets(app))
    createTweetErasure(app)
  },
  { name: 'tweets.service', dependencies: ['users.service', 'graph.service'] },
)
