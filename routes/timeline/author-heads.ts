import { desc, eq } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import { SIZES } from './sizes.ts'

type Stretch = { below: number; from: number; limit: number }
/** Ids, descending; `from` is the id down to which nothing is missing. */
type Head = { ids: number[]; from: number }

/** Authors whose newest tweets a process remembers, of 2 kB each at most. */
const AUTHORS = 1_000

/** The newest tweets of authors who are merged into many timelines, read once for all of them. */
export function createAuthorHeads(app: FastifyInstance, { head, few, branches } = SIZES) {
  const { tweets } = app.tables

  const headOf = (authorId: number) =>
    app.db
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.authorId, authorId))
      .orderBy(desc(tweets.id))
      .limit(head)

  async function load(authorIds: number[]) {
    const rows: { id: number; authorId: number }[] = []
    for (let start = 0; start < authorIds.length; start += branches) {
      const [first, second, ...rest] = authorIds.slice(start, start + branches).map(headOf)
      if (first) rows.push(...(await (second ? unionAll(first, second, ...rest) : first)))
    }
    const byAuthor = Map.groupBy(rows, (row) => row.authorId)
    const ids = (authorId: number) => (byAuthor.get(authorId) ?? []).map(({ id }) => id)
    return new Map(authorIds.map((authorId) => [authorId, toHead(ids(authorId))]))
  }

  const toHead = (ids: number[]): Head => {
    const sorted = ids.sort((a, b) => b - a)
    return { ids: sorted, from: sorted[head - 1] ?? 0 }
  }

  const heads = app.cache.items<Head>('tweets-by', { max: AUTHORS, load })

  /** As `newestOf`, or undefined where that is not remembered. */
  return async function inHeads(authorIds: number[], { below, from, limit }: Stretch) {
    // Reading so much for one page would be more than the page.
    if (authorIds.length > few || !app.cache.remembers()) return undefined
    const known = await heads.get(authorIds)
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

/** The place of the first id below another, in descending ids. */
function firstBelow(ids: number[], below: number) {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] ?? 0) < below) high = middle
    else low = middle + 1
  }
  return low
}
