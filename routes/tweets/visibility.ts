import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { type AnyColumn, and, desc, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { alias, type MySqlSelect, type MySqlTable } from 'drizzle-orm/mysql-core'
import { createListFilters } from './filters.ts'

/** A selected tweet: the ids that hydration needs, and what only the viewer sees of it. */
export type Row = { id: number; originalId: number | null; parentId: number | null; marks: number }
/** Bits of `marks`. The reactions are those to the original. */
export const MARKS = { liked: 1, retweeted: 2, parentHidden: 4, visible: 8 } as const

type Selection = {
  viewerId?: number | undefined
  /** The kind of the list; unset for single tweets, which are not filtered. */
  list?: string | undefined
  where?: SQL | undefined
  limit?: number
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type ListSource = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

/** The first step of reading selects the rows that a viewer may see: all rules are SQL conditions. */
export function createVisibility(app: FastifyInstance) {
  const { likes, tweets, users } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const parent = alias(tweets, 'parent')
  const mine = alias(tweets, 'mine')
  const filters = createListFilters()

  const bit = (weight: number, condition: SQL | undefined) =>
    sql`IF(${condition}, ${sql.raw(String(weight))}, 0)`
  const originalId = sql`COALESCE(${tweets.retweetOfId}, ${tweets.id})`
  const parentId = sql<number | null>`COALESCE(${original.replyToId}, ${tweets.replyToId})`

  function marksOf(viewerId: number) {
    const liked = sql`EXISTS (SELECT 1 FROM ${likes} WHERE ${likes.userId} = ${viewerId} AND ${likes.tweetId} = ${originalId})`
    const retweeted = sql`EXISTS (SELECT 1 FROM ${tweets} AS mine WHERE ${mine.retweetOfId} = ${originalId} AND ${mine.authorId} = ${viewerId})`
    const hidden = sql`EXISTS (SELECT 1 FROM ${tweets} AS parent WHERE ${parent.id} = ${parentId} AND NOT (${app.graph.notBlocked(viewerId, parent.authorId)}))`
    return sql`${bit(MARKS.liked, liked)} + ${bit(MARKS.retweeted, retweeted)} + ${bit(MARKS.parentHidden, hidden)}`
  }

  const columnsFor = (viewerId: number | undefined, marks = sql`0`) => ({
    id: tweets.id,
    originalId: tweets.retweetOfId,
    parentId: parentId.mapWith(Number) as SQL<number | null>,
    marks: (viewerId === undefined ? marks : sql`${marksOf(viewerId)} + ${marks}`).mapWith(Number),
  })

  /**
   * Rows that the viewer may see, newest first: the author exists, no block separates the two, and
   * the same holds for a retweeted original. Add `notDeleted` to exclude tombstones.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const query = db.select(columnsFor(selection.viewerId)).from(tweets).$dynamic()
    return withRules(query, selection).orderBy(desc(tweets.id))
  }

  /** Like `visible`, in the order of the rows that point at the tweets; without tombstones. */
  function visibleBy(source: ListSource, { where, ...selection }: Selection) {
    const position = sql`${source.position}`.mapWith(Number)
    const query = app.db
      .select({ ...columnsFor(selection.viewerId), position })
      .from(source.table)
      .innerJoin(tweets, eq(tweets.id, source.tweetId))
      .$dynamic()
    return withRules(query, { ...selection, where: and(where, isNull(tweets.deletedAt)) }).orderBy(
      desc(source.position),
    )
  }

  /** The newest of these candidates (a SELECT of `id`), with the mark `visible` if the rules allow it. */
  function judged(db: Db | Tx, candidates: SQL, viewerId: number, rule: SQL | undefined) {
    const visible = bit(MARKS.visible, and(rule, mayBeSeen(viewerId), isNull(tweets.deletedAt)))
    const query = db
      .select(columnsFor(viewerId, visible))
      .from(sql`(${candidates}) AS candidates`)
      .innerJoin(tweets, sql`${tweets.id} = candidates.id`)
      .$dynamic()
    return joined(query).orderBy(desc(tweets.id))
  }

  function withRules<Query extends MySqlSelect>(query: Query, selection: Selection) {
    const { viewerId, list, where, limit = 1 } = selection
    return (
      joined(query)
        // The list's own condition first: MariaDB checks in this order, and the rules cost subqueries.
        .where(and(where, mayBeSeen(viewerId), filters.condition(list, viewerId)))
        .limit(limit)
    )
  }

  const joined = <Query extends MySqlSelect>(query: Query) =>
    query
      // Every tweet has an author; an inner join would let the optimizer start from all users.
      .leftJoin(users, eq(users.id, tweets.authorId))
      .leftJoin(original, eq(original.id, tweets.retweetOfId))
      .leftJoin(originalAuthor, eq(originalAuthor.id, original.authorId))

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

  /** Those of these tweets that the viewer may see, tombstones included. */
  const visibleById = app.prepareForIds((ids, db) => {
    const viewerId = app.placeholder('viewerId')
    return visible({ viewerId, where: inArray(tweets.id, ids), limit: ids.length }, db)
  })

  /** Returns those of these rows that pass the list's filters. */
  async function passFilters(rows: Row[], list: string, viewerId: number) {
    const condition = await filters.applying(list, viewerId)
    if (!condition || rows.length === 0) return rows
    const ids = rows.map(({ id }) => id)
    const where = and(inArray(tweets.id, ids), condition)
    const found = await app.db.select({ id: tweets.id }).from(tweets).where(where)
    const passed = new Set(found.map(({ id }) => id))
    return rows.filter(({ id }) => passed.has(id))
  }

  const before = (id: number | undefined) => (id === undefined ? undefined : lt(tweets.id, id))

  const notMuted = (viewerId: number) =>
    and(
      app.graph.notMuted(viewerId, tweets.authorId),
      or(isNull(tweets.retweetOfId), app.graph.notMuted(viewerId, original.authorId)),
    )

  return {
    visible,
    visibleBy,
    visibleById,
    judged,
    passFilters,
    addFilter: filters.add,
    before,
    notMuted,
    notDeleted: isNull(tweets.deletedAt),
  }
}

export type TweetVisibility = ReturnType<typeof createVisibility>
