import type { FastifyInstance } from 'birdhouse'
import { and, type SQL, sql } from 'drizzle-orm'
import { SIZES } from '../sizes.ts'
import { createMergeByAuthor } from './merge-by-author.ts'

type Stretch = { below: number; from: number; limit: number; newestId: number }
/** Tweets of these ids, and of these authors within the stretch. */
type Candidates = { ids: number[]; authorIds: number[] }

/** Applies the rules of a home timeline to candidates, in one statement with the merge of authors. */
export function createJudge(app: FastifyInstance, sizes = SIZES) {
  const { follows, tweets } = app.tables
  const { judged, notMuted } = app.tweets.visibility
  const { MARKS } = app.tweets
  const mergeByAuthor = createMergeByAuthor(app, sizes)

  const given = (ids: unknown) =>
    sql`SELECT id FROM JSON_TABLE(${ids}, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS given`

  /** Entries can outlive a follow, so the follow is checked again. */
  const rule = (readerId: number) =>
    and(
      sql`(${tweets.authorId} = ${readerId} OR EXISTS (SELECT 1 FROM ${follows} WHERE ${follows.followerId} = ${readerId} AND ${follows.followeeId} = ${tweets.authorId}))`,
      notMuted(readerId),
    )

  const newestOf = (by: SQL, below: unknown, from: unknown, limit: unknown) =>
    sql`(SELECT id FROM ${tweets} WHERE ${by} AND id < ${below} AND id >= ${from} ORDER BY id DESC LIMIT ${limit})`

  const reader = app.placeholder('readerId')
  const ids = app.placeholder('ids')
  const limit = app.placeholder('limit')

  const judgeGiven = app.prepareQuery((db) =>
    judged(db, given(ids), reader, rule(reader)).limit(limit),
  )
  const judgeInRange = app.prepareForIds((authorIds, db) => {
    const [below, from] = [app.placeholder('below'), app.placeholder('from')]
    const inRange = newestOf(sql`author_id IN ${authorIds}`, below, from, limit)
    return judged(db, sql`(${given(ids)}) UNION ${inRange}`, reader, rule(reader)).limit(limit)
  })

  /** One branch for each author, for a stretch in which some authors have many tweets. */
  function judgeBranches(readerId: number, some: number[], authorIds: number[], range: Stretch) {
    const branches = authorIds.map((id) =>
      newestOf(sql`author_id = ${id}`, range.below, range.from, range.limit),
    )
    const candidates = sql.join([sql`(${given(JSON.stringify(some))})`, ...branches], sql` UNION `)
    return judged(app.db, candidates, readerId, rule(readerId)).limit(range.limit)
  }

  async function read(readerId: number, { ids, authorIds }: Candidates, stretch: Stretch) {
    const values = { ...stretch, readerId, ids: JSON.stringify(ids) }
    if (authorIds.length === 0) return judgeGiven(values)
    const width = Math.min(stretch.below, stretch.newestId + 1) - stretch.from
    return width <= sizes.maxMergedIdRange
      ? judgeInRange(authorIds, values)
      : judgeBranches(readerId, ids, authorIds, stretch)
  }

  /** Returns the visible rows, newest first, and the id down to which they are complete. */
  return async function judge(readerId: number, candidates: Candidates, stretch: Stretch) {
    const { ids, authorIds } = candidates
    if (authorIds.length > sizes.maxMergedAuthors) {
      const merged = await mergeByAuthor(authorIds, stretch)
      const all = [...new Set([...ids, ...merged.ids])].filter((id) => id >= merged.from)
      const some = all.sort((a, b) => b - a).slice(0, stretch.limit)
      return judge(readerId, { ids: some, authorIds: [] }, { ...stretch, from: merged.from })
    }
    const rows = ids.length + authorIds.length > 0 ? await read(readerId, candidates, stretch) : []
    return {
      rows: rows.filter(({ marks }) => marks & MARKS.visible),
      from: rows[stretch.limit - 1]?.id ?? stretch.from,
    }
  }
}
