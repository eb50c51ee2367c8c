import type { FastifyInstance } from 'birdhouse'
import { type AnyColumn, and, eq, exists, inArray, sql } from 'drizzle-orm'
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
    const shown = (readerId: AnyColumn) =>
      // `shownTo` uses the reader in SQL only, where a column works like a value.
      exists(shownTo(readerId as unknown as number, tweet.id))
    // MySQL 9.7 reads a row that one id names as a constant, and then ignores the rules of `shown`. No row has the id 0.
    const ids = [...tweetIds, 0]
    const among = (readerId: AnyColumn) =>
      and(inArray(tweet.id, ids), sql`${readerId} IN (${readers})`, shown(readerId))
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

  function shownTo(readerId: number, tweetId: AnyColumn) {
    const where = and(eq(tweets.id, tweetId), visibility.notDeleted)
    return visibility.visible({
      viewerId: readerId,
      list: LIST,
      where,
      unmuted: true,
      unmarked: true,
    })
  }
}
