import type { FastifyInstance } from 'birdhouse'
import { SIZES } from '../sizes.ts'

/** Tweets kept; some 50 bytes each. */
const MAX_TWEETS = 10_000

/** `authorId` is undefined until it is read, and null for a tweet that does not exist. */
export type RecentTweet = { id: number; authorId?: number | null }

/** Recent tweets by all authors, in the order in which this process learned of them. */
export function createRecentTweets(app: FastifyInstance, sizes = SIZES) {
  let recent: RecentTweet[] = []
  /** The position of the first of `recent`. */
  let first = 0

  function drop(count: number) {
    recent = recent.slice(count)
    first += count
  }

  app.cache.listen('written', {
    evict: (id) => {
      recent.push({ id })
      if (recent.length > 2 * MAX_TWEETS) drop(MAX_TWEETS)
    },
    evictAll: () => {
      // One more, so that every earlier position counts as unknown.
      drop(recent.length)
      first++
    },
  })

  return {
    position: () => first + recent.length,

    /** Tweets after a position, with authors; undefined when they are unknown or too many to read. */
    async since(position: number) {
      if (position < first) return undefined
      const tweets = recent.slice(position - first)
      const unread = tweets.filter(({ authorId }) => authorId === undefined)
      if (unread.length > sizes.maxUnreadTweets) return undefined
      if (unread.length > 0) {
        const found = await app.tweets.cached(unread.map(({ id }) => id))
        for (const tweet of unread) tweet.authorId = found.get(tweet.id)?.authorId ?? null
      }
      return tweets
    },
  }
}
