import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, inArray, sql } from 'drizzle-orm'
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

/** Users whose requested bookmarks are cached. */
const PEOPLE = 2_000

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

  /** True for a tweet that the user has bookmarked. */
  const bookmarked = app.cache.byOwner<boolean>('bookmarks', {
    max: PEOPLE,
    load: async (userId, ids, db) => {
      const rows = await readAmong(ids, { userId }, db)
      const mine = new Set(rows.map(({ tweetId }) => tweetId))
      return new Map(ids.map((id) => [id, mine.has(id)]))
    },
  })

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
  app.decorate('bookmarks', createBookmarks(app))

  app.resources.addField(['TweetBody', 'Tweet'], 'bookmarked', {
    schema: Type.Optional(Type.Boolean({ description: 'Bookmarked by you; only when signed in.' })),
    read: async (ids, { viewerId, db, justCreated }) => {
      if (viewerId === undefined) return new Map()
      if (justCreated) return new Map(ids.map((id) => [id, false]))
      return app.bookmarks.bookmarked.get(viewerId, ids, db)
    },
  })

  // A deleted tweet leaves a tombstone, so the foreign key deletes no bookmarks.
  app.events.subscribe('tweet.deleted', 'bookmarks.forget', ({ tweetId }) =>
    app.bookmarks.forget(tweetId),
  )
}

export default fp(service, { name: 'bookmarks.service', dependencies: ['tweets.service'] })
