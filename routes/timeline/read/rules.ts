import type { FastifyInstance } from 'birdhouse'
import { type SQL, sql } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { createMergeByAuthor } from './merge-by-author.ts'

/** Ids with `from <= id < below`. */
type Stretch = { below: number; from: number; limit: number }
/** Tweets of these ids, and all of these authors within the stretch. */
type Candidates = { ids: number[]; authorIds: number[]; hasRelations: boolean }

/** Applies the rules of a home timeline to candidates, in one statement with the merge of authors. */
export function createApplyRules(app: FastifyInstance, sizes = SIZES) {
  const { tweets } = app.tables
  const { onTimeline } = app.tweets.visibility
  const { MARKS } = app.tweets
  const mergeByAuthor = createMergeByAuthor(app, sizes)

  const fromJson = (ids: unknown) =>
    sql`SELECT id FROM JSON_TABLE(${ids}, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS given`

  const newestOf = (by: SQL, below: unknown, from: unknown, limit: unknown) =>
    sql`(SELECT id FROM ${tweets} WHERE ${by} AND id < ${below} AND id >= ${from} ORDER BY id DESC LIMIT ${limit})`

  const readerId = app.placeholder('readerId')
  const ids = app.placeholder('ids')
  const limit = app.placeholder('limit')
  const createReads = (hasRelations: boolean) => ({
    byId: app.prepareQuery((db) =>
      onTimeline(db, fromJson(ids), readerId, hasRelations).limit(limit),
    ),
    inStretch: app.prepareForIds((authorIds, db) => {
      const [below, from] = [app.placeholder('below'), app.placeholder('from')]
      const merged = newestOf(sql`author_id IN ${authorIds}`, below, from, limit)
      const candidates = sql`(${fromJson(ids)}) UNION ${merged}`
      return onTimeline(db, candidates, readerId, hasRelations).limit(limit)
    }),
  })
  const reads = { related: createReads(true), unrelated: createReads(false) }

  /** One branch for each author, for a stretch in which authors may have a long history. */
  function readBranches(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds, hasRelations } = candidates
    const branches = authorIds.map((id) =>
      newestOf(sql`author_id = ${id}`, stretch.below, stretch.from, stretch.limit),
    )
    const all = sql.join([sql`(${fromJson(JSON.stringify(ids))})`, ...branches], sql` UNION `)
    return onTimeline(app.db, all, readerId, hasRelations).limit(stretch.limit)
  }

  async function read(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds, hasRelations } = candidates
    const { byId, inStretch } = hasRelations ? reads.related : reads.unrelated
    const values = { ...stretch, readerId, ids: JSON.stringify(ids) }
    if (authorIds.length === 0) return byId(values)
    return stretch.below - stretch.from <= sizes.maxMergedIdRange
      ? inStretch(authorIds, values)
      : readBranches(readerId, candidates, stretch)
  }

  /** Returns the visible rows, newest first, and the id down to which they are complete. */
  return async function applyRules(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds } = candidates
    if (authorIds.length > sizes.maxMergedAuthors) {
      const merged = await mergeByAuthor(authorIds, stretch)
      const all = [...new Set([...ids, ...merged.ids])].filter((id) => id >= merged.from)
      const newest = all.sort((a, b) => b - a).slice(0, stretch.limit)
      // The candidates that are left out are below the last one.
      const from = newest[stretch.limit - 1] ?? merged.from
      const some = { ...candidates, ids: newest, authorIds: [] }
      return applyRules(readerId, some, { ...stretch, from })
    }
    const rows = ids.length + authorIds.length > 0 ? await read(readerId, candidates, stretch) : []
    return {
      rows: rows.filter(({ marks }) => marks & MARKS.visible),
      from: rows[stretch.limit - 1]?.id ?? stretch.from,
    }
  }
}
