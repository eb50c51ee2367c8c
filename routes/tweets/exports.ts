import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner; the row of a deleted tweet has no text. */
export function addExports(app: FastifyInstance) {
  const { likes, tweets } = app.tables

  app.exports.add('tweets', (userId, after, limit) =>
    app.db
      .select({
        id: tweets.id,
        text: tweets.text,
        language: tweets.language,
        replyToId: tweets.replyToId,
        retweetOfId: tweets.retweetOfId,
        createdAt: tweets.createdAt,
        deletedAt: tweets.deletedAt,
      })
      .from(tweets)
      .where(and(eq(tweets.authorId, userId), gt(tweets.id, after)))
      .orderBy(tweets.id)
      .limit(limit),
  )

  app.exports.add('likes', (userId, after, limit) =>
    app.db
      .select({ id: likes.id, tweetId: likes.tweetId, createdAt: likes.createdAt })
      .from(likes)
      .where(and(eq(likes.userId, userId), gt(likes.id, after)))
      .orderBy(likes.id)
      .limit(limit),
  )
}
