import { and, desc, eq, gte, lt, max, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import { SIZES } from './sizes.ts'

/** Above every id. */
export const TOP = Number.MAX_SAFE_INTEGER
type Range = { below: number; from: number; limit: number }
type Row = { id: number; authorId: number }

/**
 * The newest tweets of some authors, at a cost that depends on how many authors there are, never on
 * how much they have written.
 */
export function createMergeByAuthor(app: FastifyInstance, sizes = SIZES) {
  const { tweets } = app.tables

  /**
   * Ids of any visibility within `from <= id < below`, descending, at most `limit`. `from` in the
   * answer is the id down to which nothing is missing.
   */
  async function mergeByAuthor(authorIds: number[], { below, from, limit }: Range) {
    const rows: Row[] = []
    let top = below === TOP ? (await lastId()) + 1 : below
    for (const width of sizes.idWindows) {
      const bottom = Math.max(top - width, from)
      rows.push(...(await inWindow(authorIds, { below: top, from: bottom, limit })))
      if (rows.length >= limit || bottom === from) return idsOf(rows, { from, limit })
      top = bottom
    }
    const rest = { below: top, from, limit: limit - rows.length }
    return idsOf([...rows, ...(await perAuthor(authorIds, rest))], { from, limit })
  }

  async function lastId() {
    const [row] = await app.db.select({ id: max(tweets.id) }).from(tweets)
    return row?.id ?? 0
  }

  /** All ranges of one index, as long as the authors are constants: one dive an author. */
  const inWindow = (authorIds: number[], range: Range) =>
    newest(authorIds, sizes.authorsPerInList, range, (some) => select(among(some), range))

  /** Hundreds of parameters would take longer than the query. */
  const among = (authorIds: number[]) =>
    sql`${tweets.authorId} IN (${sql.raw(authorIds.map(Number).join())})`

  /** Only the authors of the newest heads can have any other among the newest. */
  async function perAuthor(authorIds: number[], range: Range) {
    const heads = await branches(authorIds, range, 1)
    const leading = heads.map(({ authorId }) => authorId)
    // As many heads as rows are wanted: nothing below the last of them is.
    const from = heads[range.limit - 1]?.id ?? range.from
    return branches(leading, { ...range, from }, range.limit)
  }

  const branches = (authorIds: number[], range: Range, each: number) =>
    newest(authorIds, sizes.authorsPerUnion, range, async (some) => {
      const [first, second, ...rest] = some.map((id) =>
        select(eq(tweets.authorId, id), { ...range, limit: each }),
      )
      if (!first) return []
      if (!second) return await first
      return await unionAll(first, second, ...rest)
        .orderBy(sql`id DESC`)
        .limit(range.limit)
    })

  const select = (by: SQL, { below, from, limit }: Range) =>
    app.db
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(and(by, lt(tweets.id, below), gte(tweets.id, from)))
      .orderBy(desc(tweets.id))
      .limit(limit)

  return mergeByAuthor
}

function idsOf(rows: Row[], { from, limit }: Omit<Range, 'below'>) {
  const ids = rows.slice(0, limit).map(({ id }) => id)
  return { ids, from: ids[limit - 1] ?? from }
}

/** The newest of what several statements find. */
async function newest(
  authorIds: number[],
  size: number,
  { limit }: Range,
  read: (some: number[]) => PromiseLike<Row[]>,
) {
  const rows: Row[] = []
  for (let start = 0; start < authorIds.length; start += size) {
    rows.push(...(await read(authorIds.slice(start, start + size))))
  }
  return rows.sort((a, b) => b.id - a.id).slice(0, limit)
}
