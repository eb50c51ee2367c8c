import type { FastifyInstance } from 'birdhouse'
import { SIZES } from '../sizes.ts'
import { createCachedTimeline, type Timeline } from './cached-timeline.ts'
import { TOP } from './merge-by-author.ts'
import { LIST } from './readers.ts'

export type Row = Timeline['rows'][number]
export type OnVisit = (readerId: number, visit: Pick<Timeline, 'unseenHours'>) => Promise<void>
/** Tweets and authors that a request has loaded to check its rows; hydration takes them over. */
export type Loaded = Parameters<FastifyInstance['tweets']['existing']>[2]
/** `above < id < below`; `above` 0 and `below` undefined for all. */
type Range = { below: number | undefined; above: number; limit: number }

/** Reads a timeline's rows, newest first, without what has been deleted, is hidden or is filtered. */
export function createTimelineRows(app: FastifyInstance, onVisit: OnVisit, sizes = SIZES) {
  const { existing, visibility } = app.tweets
  const { current, isCached, readBelow, readChunk } = createCachedTimeline(app, sizes)

  /** A timeline stays readable when the database accepts no writes. */
  const unnoted = (error: unknown) => app.log.warn({ err: error }, 'a visit could not be recorded')

  /** Returns at most `limit` rows; fewer only at the end of the timeline. */
  return async function readRows(
    readerId: number,
    { below = TOP, above, limit }: Range,
    loaded: Loaded,
  ) {
    const read = await reading(readerId, below)
    const rows: Row[] = []
    // Larger steps pass ids of which few may be shown.
    let step = limit
    for (let end = below; rows.length < limit && end > above + 1; step = sizes.rowsPerRetry) {
      const chunk = await read(end, step)
      const inRange = chunk.rows.filter(({ id }) => id > above)
      const [shown, passing] = await Promise.all([
        existing(inRange, readerId, loaded),
        visibility.passFilters(inRange, LIST, readerId),
      ])
      const passed = new Set(passing.map(({ id }) => id))
      rows.push(...shown.filter(({ id }) => passed.has(id)))
      end = chunk.from
    }
    return rows.slice(0, limit)
  }

  /** A first page is cached; a page further down is read from the cache if the first page is there. */
  async function reading(readerId: number, below: number) {
    if (below !== TOP && !isCached(readerId)) {
      await app.cache.sync()
      return (end: number, limit: number) => readChunk(readerId, { below: end, limit })
    }
    const timeline = await current(readerId)
    await onVisit(readerId, timeline).catch(unnoted)
    return (end: number, limit: number) => readBelow(timeline, readerId, end, limit)
  }
}
