import type { Db, FastifyInstance, PageRequest, Tx } from 'birdhouse'
import { and, desc, eq, gt, inArray, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'

declare module 'fastify' {
  interface CacheTopics {
    bookmarks: 'user'
  }
  interface FastifyInstance {
    bookmarks: ReturnType<typeof createBookmarks>
  }
  interface TweetFields {
    bookmarked?: boolean
  }
  interface JobPayloads {
    'bookmarks.forget': { tweetId: number }
  }
}

/** Users whose bookmarks are cached, the most per user, and the most that one statement reads for several users. */
const PEOPLE = 20_000
const CACHED = 200
const TOGETHER = 2_000

function createBookmarks(app: FastifyInstance) {
  const { bookmarks } = app.tables

  /** Idempotent; bookmarks the original of a retweet. @throws TweetNotFound */
  async function add(userId: number, id: number) {
    await app.transaction(async (tx) => {
      const tweetId = await app.tweets.originalOf(tx, id, userId)
      await tx.insert(bookmarks).ignore().values({ userId, tweetId })
      app.cache.invalidate(tx, 'bookmarks', [userId])
      // The new row's foreign key locks the tweet: a deletion happens entirely before or after.
      await app.tweets.originalOf(tx, tweetId, userId)
    })
  }

  async function remove(userId: number, id: number) {
    const { tweets } = app.tables
    const [tweet] = await app.db.select().from(tweets).where(eq(tweets.id, id))
    const same = and(eq(bookmarks.userId, userId), eq(bookmarks.tweetId, tweet?.retweetOfId ?? id))
    await app.transaction(async (tx) => {
      await tx.delete(bookmarks).where(same)
      app.cache.invalidate(tx, 'bookmarks', [userId])
    })
  }

  /** Latest bookmark first, without tweets that have been deleted or hidden since. */
  const page = (userId: number, request: PageRequest) =>
    app.tweets.pageBy(
      `bookmarks:${userId}`,
      { table: bookmarks, tweetId: bookmarks.tweetId, position: bookmarks.id },
      eq(bookmarks.userId, userId),
      request,
      userId,
    )

  const readAmong = app.prepareForIds((ids, db) =>
    db
      .select({ tweetId: bookmarks.tweetId })
      .from(bookmarks)
      .where(and(eq(bookmarks.userId, sql.placeholder('userId')), inArray(bookmarks.tweetId, ids))),
  )

  const readAll = app.prepareForIds((userIds, db) =>
    db
      .select({ userId: bookmarks.userId, tweetId: bookmarks.tweetId })
      .from(bookmarks)
      .where(inArray(bookmarks.userId, userIds))
      .limit(TOGETHER),
  )

  const newest = app.prepareQuery((db) =>
    db
      .select({ tweetId: bookmarks.tweetId })
      .from(bookmarks)
      .where(eq(bookmarks.userId, app.placeholder('userId')))
      .orderBy(desc(bookmarks.id))
      .limit(CACHED + 1),
  )

  /** The bookmarked tweets of each user; null for a user who has more than `CACHED`. */
  const own = app.cache.byId<Set<number> | null>('bookmarks', {
    max: PEOPLE,
    load: async (userIds, db) => {
      const all = await readAll(userIds, {}, db)
      const byUser = Map.groupBy(all, ({ userId }) => userId)
      const ofUser = (userId: number) =>
        all.length < TOGETHER ? (byUser.get(userId) ?? []) : newest({ userId }, db)
      const rows = await Promise.all(userIds.map(ofUser))
      const ids = rows.map((some) => new Set(some.map(({ tweetId }) => tweetId)))
      return new Map(userIds.map((id, n) => [id, ids[n] && ids[n].size <= CACHED ? ids[n] : null]))
    },
  })

  /** Returns the ids among these that the user has bookmarked, possibly with further ones. */
  async function bookmarked(userId: number, ids: number[], db?: Db | Tx) {
    const known = (await own.get([userId], db)).get(userId)
    if (known) return known
    const rows = await readAmong(ids, { userId }, db)
    return new Set(rows.map(({ tweetId }) => tweetId))
  }

  /** Deletes everyone's bookmarks of a tweet. */
  async function forget(tweetId: number) {
    await app.deleteInBatches(bookmarks, eq(bookmarks.tweetId, tweetId), (tx, rows) => {
      const userIds = rows.map(({ userId }) => userId)
      app.cache.invalidate(tx, 'bookmarks', userIds)
    })
  }

  return { add, remove, page, forget, bookmarked }
}

async function service(app: FastifyInstance) {
  const { bookmarks } = app.tables
  app.decorate('bookmarks', createBookmarks(app))

  app.resources.addField(['TweetBody', 'Tweet'], 'bookmarked', {
    schema: Type.Optional(Type.Boolean({ description: 'Bookmarked by you; only when signed in.' })),
    read: async (ids, { viewerId, db, justCreated }) => {
      if (viewerId === undefined) return new Map()
      if (justCreated) return new Map(ids.map((id) => [id, false]))
      const mine = await app.bookmarks.bookmarked(viewerId, ids, db)
      return new Map(ids.map((id) => [id, mine.has(id)]))
    },
  })

  app.exports.add('bookmarks', (userId, after, limit) =>
    app.db
      .select({ id: bookmarks.id, tweetId: bookmarks.tweetId, createdAt: bookmarks.createdAt })
      .from(bookmarks)
      .where(and(eq(bookmarks.userId, userId), gt(bookmarks.id, after)))
      .orderBy(bookmarks.id)
      .limit(limit),
  )

  // A deleted tweet leaves a tombstone, so the foreign key deletes no bookmarks.
  app.events.subscribe('tweet.deleted', 'bookmarks.forget', ({ tweetId }) =>
    app.bookmarks.forget(tweetId),
  )
}

export default fp(service, { name: 'bookmarks.service', dependencies: ['tweets.service'] })
