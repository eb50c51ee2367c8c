import type { FastifyInstance } from 'birdhouse'
import { type AnyColumn, and, eq, inArray, sql } from 'drizzle-orm'
import { alias, unionAll } from 'drizzle-orm/mysql-core'

/** The kind of this list, as filters receive it. */
export const LIST = 'timeline'

/** The inverse of a timeline read: finds the readers whose timelines show a tweet. */
export function createReaders(app: FastifyInstance) {
  const { follows, tweets } = app.tables
  const { visibility } = app.tweets

  /** Returns pairs of tweet and reader, by the rules of `page`, with one query. */
  return async function readersOf(tweetIds: number[], readerIds: number[]) {
    if (tweetIds.length === 0 || readerIds.length === 0) return []
    // Thousands of parameters would take longer than the query.
    const readers = sql.raw(readerIds.map(Number).join())
    const tweet = alias(tweets, 'tweet')
    const follow = alias(follows, 'follow')
    // MySQL 9.7 reads a row that one id names as a constant, and then ignores the rules of `shows`. No row has the id 0.
    const ids = [...tweetIds, 0]
    const among = (readerId: AnyColumn) =>
      and(
        inArray(tweet.id, ids),
        sql`${readerId} IN (${readers})`,
        visibility.shows(LIST, tweet.id, readerId),
      )
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
}
