import type { FastifyInstance } from 'birdhouse'

/** Ids kept; 8 bytes each. */
const MAX_IDS = 10_000

/** Ids of recent tweets by all authors, in the order in which this process learned of them. */
export function createRecentTweetIds(app: FastifyInstance) {
  let ids: number[] = []
  /** The position of the first id in `ids`. */
  let first = 0

  function drop(count: number) {
    ids = ids.slice(count)
    first += count
  }

  app.cache.listen('written', {
    evict: (tweetId) => {
      ids.push(tweetId)
      if (ids.length > 2 * MAX_IDS) drop(MAX_IDS)
    },
    evictAll: () => {
      // One more, so that every earlier position counts as unknown.
      drop(ids.length)
      first++
    },
  })

  return {
    position: () => first + ids.length,
    /** Ids after a position; undefined when they are unknown, or more than `max`. */
    since: (position: number, max: number) =>
      position < first || first + ids.length - position > max
        ? undefined
        : ids.slice(position - first),
  }
}
