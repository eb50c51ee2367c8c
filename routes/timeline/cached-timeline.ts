import type { FastifyInstance } from 'birdhouse'
import { TOP } from './merge-by-author.ts'
import { createRecentTweetIds } from './recent-tweet-ids.ts'
import { SIZES } from './sizes.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'

type Range = { readerId: number; below: number; above: number; limit: number }
/** `more` is true when there are entries below `from`. */
type CachedTimeline = Snapshot & { position: number; more: boolean }

/** Readers whose timelines are cached; 1 kB each, 10 kB for those who scroll. */
const READERS = 2_000

/**
 * Caches the newest part of each timeline. A cached part stays valid: adding the tweets written since
 * it was loaded makes it complete.
 */
export function createCachedTimeline(app: FastifyInstance, sizes = SIZES) {
  const readSnapshot = createSnapshot(app)
  const recentTweetIds = createRecentTweetIds(app)
  const { findVisibleById } = app.tweets.visibility

  const timelines = app.cache.byId<CachedTimeline>('relations', {
    max: READERS,
    load: async (readers) => new Map(await Promise.all(readers.map(load))),
  })

  async function load(readerId: number): Promise<[number, CachedTimeline]> {
    // Taken before the snapshot, so that a tweet committed between the two is in both.
    const position = recentTweetIds.position()
    const snapshot = await readSnapshot({ readerId, below: TOP, limit: sizes.cachedEntries })
    return [readerId, { ...snapshot, position, more: snapshot.ids.length === sizes.cachedEntries }]
  }

  /** Reads at most `limit` tweets with `above < id < below`. */
  return async function read(range: Range): Promise<Snapshot> {
    await app.cache.sync()
    const { timeline, newer } = await timelineOf(range.readerId)
    if (range.below <= timeline.from && timeline.more) await extend(timeline, range.readerId)
    const floorId = Math.max(timeline.from, range.above + 1)
    const inRange = (id: number) => id < range.below && id >= floorId
    const found = await ofReader(newer.filter(inRange), range.readerId)
    for (const id of timeline.ids) if (inRange(id)) found.add(id)
    const ids = [...found].sort((a, b) => b - a).slice(0, range.limit)
    return { ...timeline, ids, from: ids[range.limit - 1] ?? floorId }
  }

  async function timelineOf(readerId: number) {
    for (;;) {
      const timeline = (await timelines.get([readerId])).get(readerId)
      const newer = timeline && recentTweetIds.since(timeline.position, sizes.maxRecentTweets)
      if (newer) return { timeline, newer }
      timelines.evict(readerId)
    }
  }

  /**
   * Loads the rest at once, since a reader who scrolls will go on. The cached part grows below
   * `from` in one step, so a concurrent read sees it before or after.
   */
  async function extend(timeline: CachedTimeline, readerId: number) {
    const { from } = timeline
    const { ids, ...rest } = await readSnapshot({
      readerId,
      below: from,
      limit: sizes.cachedEntriesScrolling,
    })
    // Another request of the same reader may have extended it meanwhile.
    if (timeline.from !== from || rest.from >= from) return
    timeline.ids.push(...ids)
    // An author who has become merged since has no entries in the lower part.
    timeline.mergedAuthors = [...new Set([...timeline.mergedAuthors, ...rest.mergedAuthors])]
    timeline.from = rest.from
    timeline.more = ids.length === sizes.cachedEntriesScrolling
  }

  async function ofReader(tweetIds: number[], readerId: number) {
    if (tweetIds.length === 0) return new Set<number>()
    const visible = await findVisibleById(tweetIds, readerId)
    const own = visible.filter(
      ({ row, relationshipTo }) =>
        row.authorId === readerId || relationshipTo(row.authorId)?.follows,
    )
    return new Set(own.map(({ row }) => row.id))
  }
}
