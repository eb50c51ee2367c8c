import { and, eq, gte, inArray, lt, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { createCandidates, LIST, placeholder, type Row, type Snapshot } from './candidates.ts'
import { createNewest, TOP } from './newest.ts'
import { SIZES } from './sizes.ts'

/** `above < id < below`; `above` 0 and `below` undefined for all. */
type Range = { below: number | undefined; above: number; limit: number }

/**
 * The rows a timeline consists of, newest first: down to the reader's floor what is materialised,
 * together with the tweets of authors who are merged; below it everyone's, merged.
 */
export function createRows(
  app: FastifyInstance,
  onSeen: (readerId: number, snapshot: Snapshot) => Promise<void>,
  sizes = SIZES,
) {
  const { follows, tweets } = app.tables
  const { queries } = app.tweets
  const readSnapshot = createCandidates(app, sizes)
  const newestOf = createNewest(app, sizes)

  /** At most `limit`; fewer when there are no more. */
  async function readRows(readerId: number, { below = TOP, above, limit }: Range) {
    const rows: Row[] = []
    for (let end = below; rows.length < limit && end > above + 1; ) {
      const range = { below: end, above, limit: limit - rows.length }
      const snapshot = await readSnapshot({ readerId, ...range })
      if (end === below) await onSeen(readerId, snapshot)
      const step =
        snapshot.from < end
          ? await withMerged(readerId, range, snapshot)
          : await merge(readerId, await authorsOf(readerId), { ...range, from: above + 1 })
      rows.push(...step.rows)
      end = step.from
    }
    return rows.slice(0, limit)
  }

  async function withMerged(
    readerId: number,
    range: Range & { below: number },
    snapshot: Snapshot,
  ) {
    const merged = await mergeIn(readerId, range, snapshot)
    const byId = new Map([...snapshot.rows, ...merged.rows].map((row) => [row.id, row]))
    // Where the merged ones end sooner, only as much is certain.
    const certain = [...byId.values()].filter(({ id }) => id >= merged.from)
    return { rows: certain.sort((a, b) => b.id - a.id), from: merged.from }
  }

  /** Few authors and a short stretch are one prepared statement; nearly every page is such a one. */
  async function mergeIn(
    readerId: number,
    { below, limit }: Range & { below: number },
    { from, mergedAuthors, lastId }: Snapshot,
  ) {
    const stretch = Math.min(below, lastId + 1) - from
    const small = stretch <= sizes.stretch && mergedAuthors.length <= sizes.few
    if (!small) return merge(readerId, mergedAuthors, { below, from, limit })
    const rows = await readStretch(mergedAuthors, { readerId, below, from, limit })
    return { rows, from: rows[limit - 1]?.id ?? from }
  }

  const readStretch = app.prepareForIds((authorIds) => {
    const viewerId = placeholder('readerId')
    const where = and(
      inArray(tweets.authorId, authorIds),
      lt(tweets.id, placeholder('below')),
      gte(tweets.id, placeholder('from')),
      queries.notDeleted,
      queries.notMuted(viewerId),
    )
    const limit = sql.placeholder('limit')
    return queries.visible({ viewerId, list: LIST, where, limit }, app.prepared)
  })

  async function merge(
    readerId: number,
    authorIds: number[],
    range: { below: number; from: number; limit: number },
  ) {
    if (authorIds.length === 0) return { rows: [], from: range.from }
    const { ids, from } = await newestOf(authorIds, range)
    return { rows: await shown(readerId, ids), from }
  }

  async function shown(readerId: number, ids: number[]) {
    if (ids.length === 0) return []
    const where = and(inArray(tweets.id, ids), queries.notDeleted, queries.notMuted(readerId))
    return queries.visible({ viewerId: readerId, list: LIST, where, limit: ids.length })
  }

  /** The reader and everyone they follow and don't mute. */
  async function authorsOf(readerId: number) {
    const wanted = and(
      eq(follows.followerId, readerId),
      app.graph.notMuted(readerId, follows.followeeId),
    )
    const rows = await app.db.select({ id: follows.followeeId }).from(follows).where(wanted)
    return [readerId, ...rows.map(({ id }) => id)]
  }
  return readRows
}
