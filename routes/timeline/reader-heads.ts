import type { FastifyInstance } from 'fastify'
import { createCandidates, type Snapshot } from './candidates.ts'
import { TOP } from './newest.ts'
import { SIZES } from './sizes.ts'
import { createWritten } from './written.ts'

type Range = { readerId: number; below: number; above: number; limit: number }
/** `more` tells that there are entries below `from`. */
type Head = Snapshot & { position: number; more: boolean }

/** Readers that a process remembers, of 1 kB each, or 10 kB where they scroll. */
const READERS = 2_000

/**
 * The upper part of a timeline, from memory. That somebody's tweet belongs on it stays true, so what
 * was read once is complete together with what has been written since.
 */
export function createReaderHeads(app: FastifyInstance, sizes = SIZES) {
  const readSnapshot = createCandidates(app, sizes)
  const written = createWritten(app)
  const { queries } = app.tweets

  const heads = app.cache.items<Head>('relations', {
    max: READERS,
    load: async (readers) => new Map(await Promise.all(readers.map(load))),
  })

  async function load(readerId: number): Promise<[number, Head]> {
    // Before the snapshot: what is written between the two is in both.
    const position = written.position()
    const snapshot = await readSnapshot({ readerId, below: TOP, limit: sizes.ready })
    return [readerId, { ...snapshot, position, more: snapshot.ids.length === sizes.ready }]
  }

  /** What there is within `above < id < below`, at most `limit` tweets. */
  return async function read(range: Range): Promise<Snapshot> {
    await app.cache.fresh()
    const { head, later } = await headOf(range.readerId)
    if (range.below <= head.from && head.more) await extend(head, range.readerId)
    const floorId = Math.max(head.from, range.above + 1)
    const inRange = (id: number) => id < range.below && id >= floorId
    const found = await ofReader(later.filter(inRange), range.readerId)
    for (const id of head.ids) if (inRange(id)) found.add(id)
    const ids = [...found].sort((a, b) => b - a).slice(0, range.limit)
    return { ...head, ids, from: ids[range.limit - 1] ?? floorId }
  }

  async function headOf(readerId: number) {
    for (;;) {
      const head = (await heads.get([readerId])).get(readerId)
      const later = head && written.since(head.position, sizes.later)
      if (later) return { head, later }
      heads.forget(readerId)
    }
  }

  /**
   * All the rest at once: who scrolls will go on. What is remembered grows below `from` alone, in one
   * step, so that whoever reads it meanwhile sees what there was or all there is.
   */
  async function extend(head: Head, readerId: number) {
    const { from } = head
    const { ids, ...rest } = await readSnapshot({
      readerId,
      below: from,
      limit: sizes.deep,
    })
    // Another request of the same reader may have done it meanwhile.
    if (head.from !== from || rest.from >= from) return
    head.ids.push(...ids)
    // Of an author who has become merged since, the lower part has no entries any more.
    head.mergedAuthors = [...new Set([...head.mergedAuthors, ...rest.mergedAuthors])]
    head.from = rest.from
    head.more = ids.length === sizes.deep
  }

  async function ofReader(tweetIds: number[], readerId: number) {
    if (tweetIds.length === 0) return new Set<number>()
    const seen = await queries.seen(tweetIds, readerId)
    const own = seen.filter(
      ({ row, standingTo }) => row.authorId === readerId || standingTo(row.authorId)?.follows,
    )
    return new Set(own.map(({ row }) => row.id))
  }
}
