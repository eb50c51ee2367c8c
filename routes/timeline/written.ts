import type { FastifyInstance } from 'fastify'

/** Tweets that are kept, of eight bytes each. */
const MOST = 10_000

/** What was written lately, by anyone, in the order in which this process has learned of it. */
export function createWritten(app: FastifyInstance) {
  let ids: number[] = []
  /** The position of the first of them. */
  let first = 0

  function drop(count: number) {
    ids = ids.slice(count)
    first += count
  }

  app.cache.listen('written', {
    forget: (tweetId) => {
      ids.push(tweetId)
      if (ids.length > 2 * MOST) drop(MOST)
    },
    forgetAll: () => {
      // One more, so that no position from before counts as known.
      drop(ids.length)
      first++
    },
  })

  return {
    position: () => first + ids.length,
    /** What came after a position, or undefined when that is not known or too much. */
    since: (position: number, most: number) =>
      position < first || first + ids.length - position > most
        ? undefined
        : ids.slice(position - first),
  }
}
