import { desc, eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { placeholder } from '../../db/prepared.ts'
import { SIZES } from './sizes.ts'

type Stretch = { below: number; from: number; limit: number }
/** Ids, descending; `from` is the id down to which nothing is missing. */
type Head = { ids: number[]; from: number }

/** Authors whose newest tweets a process remembers, of 8 kB each at most. */
const AUTHORS = 2_000

/** The newest tweets of authors who are merged into many timelines, read once for all of them. */
export function createAuthorHeads(app: FastifyInstance, { head, few } = SIZES) {
  const { tweets } = app.tables

  const readHead = app.prepared
    .select({ id: tweets.id })
    .from(tweets)
    .where(eq(tweets.authorId, placeholder('authorId')))
    .orderBy(desc(tweets.id))
    .limit(head)
    .prepare()

  async function load(authorId: number): Promise<[number, Head]> {
    const ids = (await readHead.execute({ authorId })).map(({ id }) => id)
    return [authorId, { ids, from: ids[head - 1] ?? 0 }]
  }

  const heads = app.cache.items<Head>('tweets-by', {
    max: AUTHORS,
    load: async (authorIds) => new Map(await Promise.all(authorIds.map(load))),
  })

  /** As `newestOf`, or undefined where that is not remembered. */
  return async function inHeads(authorIds: number[], { below, from, limit }: Stretch) {
    if (authorIds.length > few) return undefined
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
