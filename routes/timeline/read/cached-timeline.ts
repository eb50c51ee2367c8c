import type { FastifyInstance } from 'birdhouse'
import { LRUCache } from 'lru-cache'
import { SIZES } from '../sizes.ts'
import { createShownAmong, type Relations } from './catch-up.ts'
import { createReadChunk } from './chunk.ts'
import { TOP } from './merge-by-author.ts'
import { createRecentTweets } from './recent-tweets.ts'

type Chunk = Awaited<ReturnType<ReturnType<typeof createReadChunk>['readChunk']>>
export type Timeline = Chunk &
  Relations & {
    /** The position in the recent tweet ids up to which `rows`, complete down to `from`, was completed. */
    position: number
    /** Ends when nobody changes the rows any more: changes run one after another. */
    idle: Promise<unknown>
  }

/** Readers whose first rows are cached, some 3 kB each, and readers whose further rows are, up to 60 kB. */
const READERS = 20_000
const SCROLLING = 500

/**
 * Caches the newest part of each timeline. A change of the reader's relationships or reactions evicts
 * the part. Tweets written since are added when the timeline is read.
 */
export function createCachedTimeline(app: FastifyInstance, sizes = SIZES) {
  const { readChunk, readFollowees, applyRules } = createReadChunk(app, sizes)
  const recentTweets = createRecentTweets(app, sizes)
  const isCurrent = (timeline: Relations, readerId: number) => timelines.peek(readerId) === timeline
  const shownAmong = createShownAmong(app, { applyRules, readFollowees, isCurrent }, sizes)

  const timelines = app.cache.byId<Timeline>(['relations', 'reactions'], {
    max: READERS,
    load: async (readers) =>
      new Map(await Promise.all(readers.map(async (id) => [id, await load(id)] as const))),
  })
  const scrolling = new LRUCache<number, Timeline>({
    max: SCROLLING,
    dispose: (timeline) => cut(timeline, sizes.cachedRows),
  })

  async function load(readerId: number): Promise<Timeline> {
    // Taken before the read, so that a tweet committed between the two is in both.
    const position = recentTweets.position()
    const chunk = await readChunk(readerId, { below: TOP, limit: sizes.cachedRows })
    return { ...chunk, position, idle: Promise.resolve() }
  }

  /** The timeline of the reader as of now, from its newest row down to `from`. */
  async function current(readerId: number) {
    // A timeline that is not cached is read while the cache is synced.
    const loading = timelines.has(readerId) ? undefined : timelines.get([readerId])
    await Promise.all([loading, app.cache.sync()])
    let found = await (loading ?? timelines.get([readerId]))
    for (;;) {
      const timeline = found.get(readerId)
      if (timeline && (await catchUp(timeline, readerId))) return timeline
      timelines.evict(readerId)
      found = await timelines.get([readerId])
    }
  }

  function exclusively<Result>(timeline: Timeline, change: () => Promise<Result>) {
    const result = timeline.idle.then(change)
    timeline.idle = result.catch(() => {})
    return result
  }

  /** Adds what was written since; returns false when that is unknown or too much. */
  async function catchUp(timeline: Timeline, readerId: number) {
    const target = recentTweets.position()
    if (timeline.position >= target) return true
    return exclusively(timeline, async () => {
      if (timeline.position >= target) return true
      const newer = await recentTweets.since(timeline.position)
      if (!newer) return false
      const rows = await shownAmong(newer, timeline, readerId)
      if (!rows) return false
      const known = new Set(timeline.rows.map(({ id }) => id))
      const added = rows.filter(({ id }) => id >= timeline.from && !known.has(id))
      if (added.length > 0) timeline.rows = [...added, ...timeline.rows].sort((a, b) => b.id - a.id)
      cut(timeline, sizes.maxCachedRows)
      timeline.position += newer.length
      return true
    })
  }

  /**
   * The next visible rows below an id, and the id down to which they are complete. The cached part of a
   * reader who scrolls grows by more than a page.
   */
  async function readBelow(timeline: Timeline, readerId: number, below: number, limit: number) {
    if (below === timeline.from && timeline.rows.length < sizes.maxCachedRows)
      await extend(timeline, readerId, below)
    if (below <= timeline.from) return readChunk(readerId, { below, limit })
    const first = timeline.rows.findIndex(({ id }) => id < below)
    const rows = first < 0 ? [] : timeline.rows.slice(first, first + limit)
    return { rows, from: rows[limit - 1]?.id ?? timeline.from }
  }

  const extend = (timeline: Timeline, readerId: number, from: number) =>
    exclusively(timeline, async () => {
      if (timeline.from !== from) return
      const chunk = await readChunk(readerId, { below: from, limit: sizes.rowsPerExtension })
      // The timeline may have been cut meanwhile.
      if (timeline.from !== from) return
      timeline.rows = [...timeline.rows, ...chunk.rows]
      timeline.from = chunk.from
      scrolling.set(readerId, timeline)
    })

  return { current, isCached: timelines.has, readBelow, readChunk }
}

function cut(timeline: Timeline, length: number) {
  const last = timeline.rows[length - 1]
  if (!last || timeline.rows.length === length) return
  timeline.rows = timeline.rows.slice(0, length)
  timeline.from = last.id
}
