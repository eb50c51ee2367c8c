import type { FastifyInstance } from 'birdhouse'
import { desc, eq } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { SIZES } from './sizes.ts'

type Stretch = { below: number; from: number; limit: number }
/** Ids, descending; complete down to `from`. */
type NewestTweets = { ids: number[]; from: number }

/** Authors whose newest tweets are cached; at most 2 kB each. */
const AUTHORS = 1_000

/** Caches the newest tweets of authors who are merged into many timelines. */
export function createCachedAuthorTweets(app: FastifyInstance, sizes = SIZES) {
  const { tweets } = app.tables

  const newestTweetsOf = (authorId: number) =>
    app.db
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.authorId, authorId))
      .orderBy(desc(tweets.id))
      .limit(sizes.cachedTweetsPerAuthor)

  async function load(authorIds: number[]) {
    const rows: { id: number; authorId: number }[] = []
    for (let start = 0; start < authorIds.length; start += sizes.authorsPerUnion) {
      const [first, second, ...rest] = authorIds
        .slice(start, start + sizes.authorsPerUnion)
        .map(newestTweetsOf)
      if (first) rows.push(...(await (second ? unionAll(first, second, ...rest) : first)))
    }
    const byAuthor = Map.groupBy(rows, (row) => row.authorId)
    const ids = (authorId: number) => (byAuthor.get(authorId) ?? []).map(({ id }) => id)
    return new Map(authorIds.map((authorId) => [authorId, toNewestTweets(ids(authorId))]))
  }

  const toNewestTweets = (ids: number[]): NewestTweets => {
    const sorted = ids.sort((a, b) => b - a)
    return { ids: sorted, from: sorted[sizes.cachedTweetsPerAuthor - 1] ?? 0 }
  }

  const newestTweets = app.cache.byId<NewestTweets>('tweets-by', { max: AUTHORS, load })

  /** Returns what `mergeByAuthor` would, or undefined when the cache cannot answer. */
  return async function cachedTweetsOf(authorIds: number[], { below, from, limit }: Stretch) {
    // Loading more authors would cost more than the page itself.
    if (authorIds.length > sizes.maxMergedAuthors || !app.cache.isEnabled()) return undefined
    const known = await newestTweets.get(authorIds)
    let start = from
    for (const one of known.values()) start = Math.max(start, one.from)
    if (start >= below) return undefined
    const ids: number[] = []
    for (const one of known.values()) {
      const first = firstBelow(one.ids, below)
      for (let n = first; n < first + limit; n++) {
        const id = one.ids[n]
        if (id === undefined || id < start) break
        ids.push(id)
      }
    }
    return { ids: ids.sort((a, b) => b - a), from: start }
  }
}

/** The index of the first id below `below`, in descending ids. */
function firstBelow(ids: number[], below: number) {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] ?? 0) < below) high = middle
    else low = middle + 1
  }
  return low
}
