import type { FastifyInstance } from 'birdhouse'
import { type SQL, sql } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { createMergeByAuthor } from './merge-by-author.ts'

type Stretch = { below: number; from: number; limit: number }
/** Tweets of these ids, and of these authors within the stretch. */
type Candidates = { ids: number[]; authorIds: number[]; isAlone: boolean }

/** Applies the rules of a home timeline to candidates, in one statement with the merge of authors. */
export function createJudge(app: FastifyInstance, sizes = SIZES) {
  const { tweets } = app.tables
  const { onTimeline } = app.tweets.visibility
  const { MARKS } = app.tweets
  const mergeByAuthor = createMergeByAuthor(app, sizes)

  const given = (ids: unknown) =>
    sql`SELECT id FROM JSON_TABLE(${ids}, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS given`

  const newestOf = (by: SQL, below: unknown, from: unknown, limit: unknown) =>
    sql`(SELECT id FROM ${tweets} WHERE ${by} AND id < ${below} AND id >= ${from} ORDER BY id DESC LIMIT ${limit})`

  const reader = app.placeholder('readerId')
  const ids = app.placeholder('ids')
  const limit = app.placeholder('limit')

  const createReads = (isAlone: boolean) => ({
    given: app.prepareQuery((db) => onTimeline(db, given(ids), reader, isAlone).limit(limit)),
    inRange: app.prepareForIds((authorIds, db) => {
      const [below, from] = [app.placeholder('below'), app.placeholder('from')]
      const inRange = newestOf(sql`author_id IN ${authorIds}`, below, from, limit)
      const candidates = sql`(${given(ids)}) UNION ${inRange}`
      return onTimeline(db, candidates, reader, isAlone).limit(limit)
    }),
  })
  const reads = { alone: createReads(true), related: createReads(false) }

  /** One branch for each author, for a stretch in which some authors have many tweets. */
  function readBranches(readerId: number, candidates: Candidates, range: Stretch) {
    const branches = candidates.authorIds.map((id) =>
      newestOf(sql`author_id = ${id}`, range.below, range.from, range.limit),
    )
    const all = sql.join(
      [sql`(${given(JSON.stringify(candidates.ids))})`, ...branches],
      sql` UNION `,
    )
    return onTimeline(app.db, all, readerId, candidates.isAlone).limit(range.limit)
  }

  async function read(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds, isAlone } = candidates
    const { given, inRange } = isAlone ? reads.alone : reads.related
    const values = { ...stretch, readerId, ids: JSON.stringify(ids) }
    if (authorIds.length === 0) return given(values)
    // A full page of entries bounds the stretch; otherwise some authors may have a long history in it.
    return ids.length === stretch.limit
      ? inRange(authorIds, values)
      : readBranches(readerId, candidates, stretch)
  }

  /** Returns the visible rows, newest first, and the id down to which they are complete. */
  return async function judge(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds, isAlone } = candidates
    if (authorIds.length > sizes.maxMergedAuthors) {
      const merged = await mergeByAuthor(authorIds, stretch)
      const all = [...new Set([...ids, ...merged.ids])].filter((id) => id >= merged.from)
      const some = all.sort((a, b) => b - a).slice(0, stretch.limit)
      return judge(
        readerId,
        { ids: some, authorIds: [], isAlone },
        { ...stretch, from: merged.from },
      )
    }
    const rows = ids.length + authorIds.length > 0 ? await read(readerId, candidates, stretch) : []
    return {
      rows: rows.filter(({ marks }) => marks & MARKS.visible),
      from: rows[stretch.limit - 1]?.id ?? stretch.from,
    }
  }
}
