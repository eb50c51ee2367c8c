import type { FastifyInstance } from 'birdhouse'
import { and, desc, eq, gte, lt, max, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'
import { SIZES } from '../sizes.ts'

/** An id above every tweet id. */
export const TOP = Number.MAX_SAFE_INTEGER
type Range = { below: number; from: number; limit: number }
type Row = { id: number; authorId: number }

/** The cost depends on the number of authors, not on the number of their tweets. */
export function createMergeByAuthor(app: FastifyInstance, sizes = SIZES) {
  const { tweets } = app.tables

  /**
   * Returns ids with `from <= id < below`, descending, whoever may see them. The returned `from` is
   * the id down to which they are complete.
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

  /** Constants make MariaDB read ranges of one index, one dive per author. */
  const inWindow = (authorIds: number[], range: Range) =>
    newest(authorIds, sizes.authorsPerInList, range, (some) => select(among(some), range))

  /** Hundreds of parameters would take longer than the query. */
  const among = (authorIds: number[]) =>
    sql`${tweets.authorId} IN (${sql.raw(authorIds.map(Number).join())})`

  /** Only authors of the newest first tweets can have more tweets among the newest. */
  async function perAuthor(authorIds: number[], range: Range) {
    const heads = await branches(authorIds, range, 1)
    const leading = heads.map(({ authorId }) => authorId)
    // With `limit` heads, no tweet below the last head is among the newest.
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
