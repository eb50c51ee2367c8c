import { type AnyColumn, and, desc, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { alias, type MySqlSelect, type MySqlTable } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import type { Db, Tx } from '../../plugins/db.ts'
import { createListFilters } from './filters.ts'

type Selection = {
  viewerId?: number | undefined
  /** Its kind; filters that features have added apply to lists alone. */
  list?: string | undefined
  where?: SQL | undefined
  limit?: number
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type Through = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

/** The first step of reading: a list selects which rows to show, with all rules in its query. */
export function createVisibility(app: FastifyInstance) {
  const { tweets, users } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const filters = createListFilters()
  const columns = { id: tweets.id, originalId: tweets.retweetOfId }

  /**
   * Rows the viewer may see, newest first: the author's account exists and no block stands between
   * them, and the same for what it retweets. Tombstones are included; `notDeleted` leaves them out.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const query = db.select(columns).from(tweets).$dynamic()
    return ruled(query, selection).orderBy(desc(tweets.id))
  }

  /** As `visible`, in the order of the rows that point at the tweets; no tombstones. */
  function visibleThrough(through: Through, { where, ...selection }: Selection) {
    const query = app.db
      .select({ ...columns, position: sql`${through.position}`.mapWith(Number) })
      .from(through.table)
      .innerJoin(tweets, eq(tweets.id, through.tweetId))
      .$dynamic()
    return ruled(query, { ...selection, where: and(where, isNull(tweets.deletedAt)) }).orderBy(
      desc(through.position),
    )
  }

  function ruled<Query extends MySqlSelect>(query: Query, selection: Selection) {
    const { viewerId, list, where, limit = 1 } = selection
    return (
      query
        // Every tweet has an author; an inner join would let the optimizer start from all users.
        .leftJoin(users, eq(users.id, tweets.authorId))
        .leftJoin(original, eq(original.id, tweets.retweetOfId))
        .leftJoin(originalAuthor, eq(originalAuthor.id, original.authorId))
        // The list's own condition first: MariaDB checks in this order, and the rules cost subqueries.
        .where(and(where, mayBeSeen(viewerId), filters.condition(list, viewerId)))
        .limit(limit)
    )
  }

  function mayBeSeen(viewerId: number | undefined) {
    const originalMayBeSeen = and(
      isNull(original.deletedAt),
      isNull(originalAuthor.deletedAt),
      app.graph.notBlocked(viewerId, original.authorId),
    )
    return and(
      isNull(users.deletedAt),
      app.graph.notBlocked(viewerId, tweets.authorId),
      or(isNull(tweets.retweetOfId), originalMayBeSeen),
    )
  }

  /** Those of these that the list's filters let through, in the same order. */
  async function passing(ids: number[], list: string, viewerId: number) {
    const condition = await filters.applying(list, viewerId)
    if (!condition || ids.length === 0) return ids
    const where = and(inArray(tweets.id, ids), condition)
    const rows = await app.db.select({ id: tweets.id }).from(tweets).where(where)
    const passed = new Set(rows.map(({ id }) => id))
    return ids.filter((id) => passed.has(id))
  }

  const before = (id: number | undefined) => (id === undefined ? undefined : lt(tweets.id, id))

  const notMuted = (viewerId: number) =>
    and(
      app.graph.notMuted(viewerId, tweets.authorId),
      or(isNull(tweets.retweetOfId), app.graph.notMuted(viewerId, original.authorId)),
    )

  return {
    visible,
    visibleThrough,
    passing,
    addFilter: filters.add,
    before,
    notMuted,
    notDeleted: isNull(tweets.deletedAt),
  }
}
