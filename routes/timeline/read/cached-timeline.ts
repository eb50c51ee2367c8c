import type { FastifyInstance } from 'birdhouse'
import { SIZES } from '../sizes.ts'
import { createReadChunk } from './chunk.ts'
import { TOP } from './merge-by-author.ts'
import { createRecentTweetIds } from './recent-tweet-ids.ts'

type Row = Awaited<ReturnType<ReturnType<typeof createReadChunk>['judge']>>['rows'][number]
export type Timeline = {
  /** The visible rows down to `from`, newest first. */
  rows: Row[]
  from: number
  isAlone: boolean
  /** The position in the recent tweet ids up to which `rows` is complete. */
  position: number
  /** Followees in ascending order, read on demand; null if the reader has too many. */
  followees?: Float64Array | null
  unseenHours: number | undefined
}

/** Readers whose timelines are cached; some 3 kB each, more for those who scroll. */
const READERS = 20_000

/**
 * Caches the newest part of each timeline. A change of the reader's relationships or reactions evicts
 * the part. Tweets written since are added when the timeline is read.
 */
export function createCachedTimeline(app: FastifyInstance, sizes = SIZES) {
  const { readChunk, readFollowees, judge } = createReadChunk(app, sizes)
  const recentTweetIds = createRecentTweetIds(app)

  const timelines = app.cache.byId<Timeline>(['relations', 'reactions'], {
    max: READERS,
    load: async (readers) =>
      new Map(await Promise.all(readers.map(async (id) => [id, await load(id)] as const))),
  })

  async function load(readerId: number): Promise<Timeline> {
    // Taken before the read, so that a tweet committed between the two is in both.
    const position = recentTweetIds.position()
    const chunk = await readChunk(readerId, { below: TOP, limit: sizes.cachedRows })
    return { ...chunk, position }
  }

  /** The timeline of the reader as of now, from its newest row down to `from`. */
  async function current(readerId: number) {
    // A timeline that is not cached is read while the cache is synced.
    const loading = timelines.has(readerId) ? undefined : timelines.get([readerId])
    const [loaded] = await Promise.all([loading, app.cache.sync()])
    for (let found = loaded; ; found = undefined) {
      const timeline = (found ?? (await timelines.get([readerId]))).get(readerId)
      if (timeline && (await catchUp(timeline, readerId))) return timeline
      timelines.evict(readerId)
    }
  }

  /** Adds what was written since; returns false when that is unknown or too much. */
  async function catchUp(timeline: Timeline, readerId: number) {
    const target = recentTweetIds.position()
    while (timeline.position < target) {
      const start = timeline.position
      const newer = recentTweetIds.since(start, sizes.maxRecentTweets)
      if (!newer) return false
      const rows = await shownAmong(newer, timeline, readerId)
      // Another request of the same reader may have added them meanwhile.
      if (timeline.position !== start) continue
      const known = new Set(timeline.rows.map(({ id }) => id))
      const added = rows.filter(({ id }) => id >= timeline.from && !known.has(id))
      if (added.length > 0) timeline.rows = [...added, ...timeline.rows].sort((a, b) => b.id - a.id)
      timeline.position = start + newer.length
    }
    return true
  }

  async function shownAmong(tweetIds: number[], timeline: Timeline, readerId: number) {
    const [tweets, followees] = await Promise.all([
      app.tweets.cached(tweetIds),
      timeline.followees === undefined ? followeesOf(readerId) : timeline.followees,
    ])
    timeline.followees = followees
    const isOwn = (id: number) => {
      const authorId = tweets.get(id)?.authorId
      if (authorId === undefined) return false
      return authorId === readerId || !followees || includes(followees, authorId)
    }
    const ids = tweetIds.filter(isOwn)
    if (ids.length === 0) return []
    const all = { below: TOP, from: 0, limit: ids.length }
    return (await judge(readerId, { ids, authorIds: [], isAlone: timeline.isAlone }, all)).rows
  }

  async function followeesOf(readerId: number) {
    const ids = await readFollowees(readerId, sizes.maxFollowees + 1)
    return ids.length > sizes.maxFollowees ? null : Float64Array.from(ids).sort()
  }

  /**
   * The next visible rows below an id, and the id down to which they are complete. A reader who scrolls
   * will go on, so the cached part grows by more than a page.
   */
  async function readBelow(timeline: Timeline, readerId: number, below: number, limit: number) {
    if (below <= timeline.from && timeline.rows.length < sizes.maxCachedRows)
      await extend(timeline, readerId)
    if (below <= timeline.from) return readChunk(readerId, { below, limit })
    const first = timeline.rows.findIndex(({ id }) => id < below)
    const rows = first < 0 ? [] : timeline.rows.slice(first, first + limit)
    return { rows, from: rows[limit - 1]?.id ?? timeline.from }
  }

  async function extend(timeline: Timeline, readerId: number) {
    const { from } = timeline
    const chunk = await readChunk(readerId, { below: from, limit: sizes.rowsPerExtension })
    if (timeline.from !== from) return
    timeline.rows = [...timeline.rows, ...chunk.rows]
    timeline.from = chunk.from
  }

  return { current, readBelow }
}

function includes(sorted: Float64Array, value: number) {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return sorted[low] === value
}
