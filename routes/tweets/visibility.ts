import {
  type AnyColumn,
  and,
  desc,
  eq,
  inArray,
  isNull,
  lt,
  or,
  type Placeholder,
  type SQL,
  sql,
} from 'drizzle-orm'
import { alias, type MySqlSelect, type MySqlTable } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import type { Db, Tx } from '../../plugins/db.ts'
import { createListFilters } from './filters.ts'

type Selection = {
  viewerId?: number | undefined
  /** Its kind; filters that features have added apply to lists alone. */
  list?: string | undefined
  where?: SQL | undefined
  limit?: number | Placeholder
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

  /** Which of these the viewer may see, tombstones included. */
  async function visibleIds(ids: number[], viewerId?: number, db: Db | Tx = app.db) {
    if (db !== app.db)
      return visible({ viewerId, where: inArray(tweets.id, ids), limit: ids.length }, db)
    return viewerId === undefined ? visibleToAll(ids) : visibleToViewer(ids, { viewerId })
  }

  const prepareVisible = (viewerId?: number) =>
    app.prepareForIds((ids) =>
      visible({ viewerId, where: inArray(tweets.id, ids), limit: ids.length }, app.prepared),
    )
  const visibleToAll = prepareVisible()
  // What asks for the viewer puts it into SQL and nowhere else, where a placeholder does as well.
  const visibleToViewer = prepareVisible(sql.placeholder('viewerId') as unknown as number)

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

  const before = (id: number | undefined) => (id === undefined ? undefined : lt(tweets.id, id))

  const notMuted = (viewerId: number) =>
    and(
      app.graph.notMuted(viewerId, tweets.authorId),
      or(isNull(tweets.retweetOfId), app.graph.notMuted(viewerId, original.authorId)),
    )

  return {
    visible,
    visibleIds,
    visibleThrough,
    addFilter: filters.add,
    before,
    notMuted,
    notDeleted: isNull(tweets.deletedAt),
  }
}
