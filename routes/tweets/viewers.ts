import type { FastifyInstance } from 'birdhouse'
import { and, inArray, isNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import { EVERYONES } from './lists.ts'
import type { TweetVisibility } from './visibility.ts'

/** The inverse of the list of everyone's tweets: finds the viewers to whom it shows a tweet. */
export function createViewers(app: FastifyInstance, visibility: TweetVisibility) {
  const tweet = alias(app.tables.tweets, 'tweet')
  const viewer = alias(app.tables.users, 'viewer')

  /** Returns pairs of tweet and viewer with one query, without authors whom the viewer mutes. */
  return async function viewersOf(tweetIds: number[], viewerIds: number[]) {
    if (tweetIds.length === 0 || viewerIds.length === 0) return []
    // Thousands of parameters would take longer than the query. With the id 0 for the reason in readersOf of the timeline.
    const viewers = sql.raw([...viewerIds.map(Number), 0].join())
    return app.db
      .select({ tweetId: tweet.id, readerId: viewer.id })
      .from(tweet)
      .innerJoin(viewer, sql`${viewer.id} IN (${viewers})`)
      .where(
        and(
          inArray(tweet.id, [...tweetIds, 0]),
          isNull(tweet.retweetOfId),
          visibility.shows(EVERYONES, tweet.id, viewer.id),
        ),
      )
  }
}
