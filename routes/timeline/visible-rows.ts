import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, gte, inArray, lt } from 'drizzle-orm'
import { createCachedAuthorTweets } from './cached-author-tweets.ts'
import { createCachedTimeline } from './cached-timeline.ts'
import { createMergeByAuthor, TOP } from './merge-by-author.ts'
import { LIST } from './readers.ts'
import { SIZES } from './sizes.ts'
import type { Snapshot } from './snapshot.ts'

export type Row = { id: number; originalId: number | null }
/** `above < id < below`; `above` 0 and `below` undefined for all. */
type Range = { below: number | undefined; above: number; limit: number }
type Stretch = { below: number; from: number; limit: number }

/** Readers below their floor whose followees are cached; 8 kB each per thousand followees. */
const SCROLLING = 500

export type OnVisit = (readerId: number, snapshot: Snapshot) => Promise<void>

/**
 * Reads a timeline's rows, newest first: down to the floor entries and tweets of merged authors,
 * below the floor the tweets of all followees. Finds ids first, then those that may be shown.
 */
export function createVisibleRows(app: FastifyInstance, onVisit: OnVisit, sizes = SIZES) {
  const { follows, tweets } = app.tables
  const { findVisibleById, passFilters } = app.tweets.visibility
  const readSnapshot = createCachedTimeline(app, sizes)
  const mergeByAuthor = createMergeByAuthor(app, sizes)
  const cachedTweetsOf = createCachedAuthorTweets(app, sizes)

  /** A timeline stays readable when the database accepts no writes. */
  const unnoted = (error: unknown) => app.log.warn({ err: error }, 'a visit could not be recorded')

  /** Returns at most `limit` rows; fewer only at the end of the timeline. */
  async function readRows(readerId: number, { below = TOP, above, limit }: Range) {
    const rows: Row[] = []
    // Larger steps pass ids of which few may be shown.
    let step = limit
    for (let end = below; rows.length < limit && end > above + 1; step = sizes.rowsPerRetry) {
      const snapshot = await readSnapshot({ readerId, below: end, above, limit: step })
      if (end === below) await onVisit(readerId, snapshot).catch(unnoted)
      const { ids, from } =
        snapshot.from < end
          ? await withMerged({ below: end, from: snapshot.from, limit: step }, snapshot)
          : await mergeByAuthor(await authorsOf(readerId), {
              below: end,
              from: above + 1,
              limit: step,
            })
      rows.push(...(await shown(ids, readerId)))
      end = from
    }
    return rows.slice(0, limit)
  }

  async function withMerged(stretch: Stretch, { ids, mergedAuthors }: Snapshot) {
    if (mergedAuthors.length === 0) return cut(ids, stretch)
    const merged =
      (await cachedTweetsOf(mergedAuthors, stretch)) ?? (await fromTweets(mergedAuthors, stretch))
    // The result is complete only as far down as the merged tweets.
    const certain = [...new Set([...ids, ...merged.ids])].filter((id) => id >= merged.from)
    return cut(
      certain.sort((a, b) => b - a),
      { ...stretch, from: merged.from },
    )
  }

  async function fromTweets(authorIds: number[], stretch: Stretch) {
    const small =
      stretch.below - stretch.from <= sizes.maxMergedIdRange &&
      authorIds.length <= sizes.maxMergedAuthors
    if (!small) return mergeByAuthor(authorIds, stretch)
    const rows = await readStretch(authorIds, stretch)
    return cut(
      rows.map(({ id }) => id),
      stretch,
    )
  }

  const readStretch = app.prepareForIds((authorIds, db) =>
    db
      .select({ id: tweets.id })
      .from(tweets)
      .where(
        and(
          inArray(tweets.authorId, authorIds),
          lt(tweets.id, app.placeholder('below')),
          gte(tweets.id, app.placeholder('from')),
        ),
      )
      .orderBy(desc(tweets.id))
      .limit(app.placeholder('limit')),
  )

  /** Entries can outlive a follow, so the follow is checked again. */
  async function shown(ids: number[], readerId: number): Promise<Row[]> {
    const visible = await findVisibleById(ids, readerId)
    const rows = visible.flatMap(({ row, original, relationshipTo }) => {
      const own = row.authorId === readerId
      const relationship = relationshipTo(row.authorId)
      if (row.deleted || !(own || relationship?.follows) || relationship?.mutes) return []
      return original && relationshipTo(original.authorId)?.mutes ? [] : [row]
    })
    const passed = new Set(
      await passFilters(
        rows.map(({ id }) => id),
        LIST,
        readerId,
      ),
    )
    return rows.filter(({ id }) => passed.has(id))
  }

  const sources = app.cache.byId<number[]>('relations', {
    max: SCROLLING,
    load: async (readers) =>
      new Map(await Promise.all(readers.map(async (id) => [id, await readSources(id)] as const))),
  })

  const authorsOf = async (readerId: number) =>
    (await sources.get([readerId])).get(readerId) ?? [readerId]

  /** The reader and everyone they follow and don't mute. */
  async function readSources(readerId: number) {
    const wanted = and(
      eq(follows.followerId, readerId),
      app.graph.notMuted(readerId, follows.followeeId),
    )
    const rows = await app.db.select({ id: follows.followeeId }).from(follows).where(wanted)
    return [readerId, ...rows.map(({ id }) => id)]
  }

  return readRows
}

const cut = (ids: number[], { limit, from }: Stretch) => ({
  ids: ids.slice(0, limit),
  from: ids[limit - 1] ?? from,
})
