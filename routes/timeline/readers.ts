import { type AnyColumn, and, eq, exists, inArray, sql } from 'drizzle-orm'
import { alias, unionAll } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'

/** The kind of the list, by which features add filters. */
export const LIST = 'timeline'

/** The definition of the timeline asked the other way round: whose timelines is a tweet in. */
export function createReaders(app: FastifyInstance) {
  const { follows, tweets } = app.tables
  const { visibility } = app.tweets

  /**
   * Which of these tweets are in the timeline of which of these people, by the rules of `page`, with
   * one query for all of them.
   */
  return async function readersOf(tweetIds: number[], readerIds: number[]) {
    if (tweetIds.length === 0 || readerIds.length === 0) return []
    // Thousands of parameters would take longer than the query.
    const readers = sql.raw(readerIds.map(Number).join())
    const tweet = alias(tweets, 'tweet')
    const follow = alias(follows, 'follow')
    const shown = (readerId: AnyColumn) =>
      // What asks for a reader puts it into SQL and nowhere else, where a column does as well.
      exists(shownTo(readerId as unknown as number, tweet.id))
    const among = (readerId: AnyColumn) =>
      and(inArray(tweet.id, tweetIds), sql`${readerId} IN (${readers})`, shown(readerId))
    const authors = app.db
      .select({ tweetId: tweet.id, readerId: tweet.authorId })
      .from(tweet)
      .where(among(tweet.authorId))
    const followers = app.db
      .select({ tweetId: tweet.id, readerId: follow.followerId })
      .from(tweet)
      .innerJoin(follow, eq(follow.followeeId, tweet.authorId))
      .where(among(follow.followerId))
    return unionAll(authors, followers)
  }

  /** A row when the timeline may show the tweet. */
  function shownTo(readerId: number, tweetId: AnyColumn) {
    const where = and(eq(tweets.id, tweetId), visibility.notDeleted, visibility.notMuted(readerId))
    return visibility.visible({ viewerId: readerId, list: LIST, where })
  }
}
