import type { FastifyInstance } from 'birdhouse'
import { SIZES } from '../sizes.ts'
import { createCachedTimeline, type Timeline } from './cached-timeline.ts'
import { TOP } from './merge-by-author.ts'
import { LIST } from './readers.ts'

export type Row = Timeline['rows'][number]
export type OnVisit = (readerId: number, visit: Pick<Timeline, 'unseenHours'>) => Promise<void>
/** `above < id < below`; `above` 0 and `below` undefined for all. */
type Range = { below: number | undefined; above: number; limit: number }

/** Reads a timeline's rows, newest first, without what has been deleted or is filtered. */
export function createTimelineRows(app: FastifyInstance, onVisit: OnVisit, sizes = SIZES) {
  const { existing, visibility } = app.tweets
  const { current, readBelow } = createCachedTimeline(app, sizes)

  /** A timeline stays readable when the database accepts no writes. */
  const unnoted = (error: unknown) => app.log.warn({ err: error }, 'a visit could not be recorded')

  /** Returns at most `limit` rows; fewer only at the end of the timeline. */
  return async function readRows(readerId: number, { below = TOP, above, limit }: Range) {
    const timeline = await current(readerId)
    await onVisit(readerId, timeline).catch(unnoted)
    const rows: Row[] = []
    // Larger steps pass ids of which few may be shown.
    let step = limit
    for (let end = below; rows.length < limit && end > above + 1; step = sizes.rowsPerRetry) {
      const { rows: found, from } = await readBelow(timeline, readerId, end, step)
      const inRange = found.filter(({ id }) => id > above)
      const [shown, passing] = await Promise.all([
        existing(inRange),
        visibility.passFilters(inRange, LIST, readerId),
      ])
      const passed = new Set(passing)
      rows.push(...shown.filter((row) => passed.has(row)))
      end = from
    }
    return rows.slice(0, limit)
  }
}
