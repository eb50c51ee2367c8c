import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, eq, inArray } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'

declare module 'fastify' {
  interface FastifyInstance {
    bookmarks: ReturnType<typeof createBookmarks>
  }
  interface TweetFields {
    bookmarked?: boolean
  }
}

function createBookmarks(app: FastifyInstance) {
  const { bookmarks } = app.tables

  /** Bookmarking twice is bookmarking; of a retweet, the original. @throws TweetNotFound */
  async function add(userId: number, id: number) {
    await app.transaction(async (tx) => {
      const tweetId = await app.tweets.originalOf(tx, id, userId)
      await tx.insert(bookmarks).ignore().values({ userId, tweetId })
      // The new row's foreign key holds the tweet: a deletion comes wholly before or after.
      await app.tweets.originalOf(tx, tweetId, userId)
    })
  }

  async function remove(userId: number, id: number) {
    const { tweets } = app.tables
    const [tweet] = await app.db.select().from(tweets).where(eq(tweets.id, id))
    const tweetId = tweet?.retweetOfId ?? id
    await app.db
      .delete(bookmarks)
      .where(and(eq(bookmarks.userId, userId), eq(bookmarks.tweetId, tweetId)))
  }

  /** The latest bookmark first; what has since been deleted or hidden is left out. */
  const page = (userId: number, request: PageRequest) =>
    app.tweets.pageThrough(
      `bookmarks:${userId}`,
      { table: bookmarks, tweetId: bookmarks.tweetId, position: bookmarks.id },
      eq(bookmarks.userId, userId),
      request,
      userId,
    )

  /** Which of these tweets the user has bookmarked. */
  async function among(ids: number[], userId: number, db = app.db) {
    const rows = await db
      .select({ tweetId: bookmarks.tweetId })
      .from(bookmarks)
      .where(and(eq(bookmarks.userId, userId), inArray(bookmarks.tweetId, ids)))
    return new Set(rows.map(({ tweetId }) => tweetId))
  }

  return { add, remove, page, among }
}

async function service(app: FastifyInstance) {
  app.decorate('bookmarks', createBookmarks(app))

  app.resources.addField(['TweetBody', 'Tweet'], 'bookmarked', {
    schema: Type.Optional(Type.Boolean({ description: 'By you; only for a signed-in viewer.' })),
    read: async (ids, { viewerId, db }) => {
      if (viewerId === undefined) return new Map()
      const mine = await app.bookmarks.among(ids, viewerId, db)
      return new Map(ids.map((id) => [id, mine.has(id)]))
    },
  })

  // A deleted tweet leaves a tombstone, which no foreign key takes for gone.
  const { bookmarks } = app.tables
  app.events.subscribe('tweet.deleted', 'bookmarks.forget', async ({ tweetId }) =>
    app.deleteInBatches(bookmarks, eq(bookmarks.tweetId, tweetId)),
  )
}

export default fp(service, { name: 'bookmarks.service', dependencies: ['tweets.service'] })
