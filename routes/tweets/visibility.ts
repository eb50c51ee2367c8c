import type { Db, FastifyInstance, Tx } from 'birdhouse'
import { type AnyColumn, and, desc, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { alias, type MySqlSelect, type MySqlTable } from 'drizzle-orm/mysql-core'
import type { TweetCache, TweetRow } from './cache.ts'
import { createListFilters } from './filters.ts'

type Selection = {
  viewerId?: number | undefined
  /** The kind of the list; unset for single tweets, which are not filtered. */
  list?: string | undefined
  where?: SQL | undefined
  limit?: number
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type ListSource = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

type Relationship = { follows: boolean; mutes: boolean; blocked: boolean }
type VisibleTweet = {
  row: TweetRow
  original: TweetRow | undefined
  /** The viewer's relationship to either author, for rules that depend on it. */
  relationshipTo: (authorId: number) => Relationship | undefined
}

/**
 * The first step of reading selects the rows that a viewer may see. A list applies all rules in its
 * query; for known ids, the same rules are applied to cached rows.
 */
export function createVisibility(app: FastifyInstance, cache: TweetCache) {
  const { tweets, users } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const filters = createListFilters(app)
  const columns = { id: tweets.id, originalId: tweets.retweetOfId }

  /**
   * Rows that the viewer may see, newest first: the author exists, no block separates the two, and
   * the same holds for a retweeted original. Add `notDeleted` to exclude tombstones.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const query = db.select(columns).from(tweets).$dynamic()
    return withRules(query, selection).orderBy(desc(tweets.id))
  }

  /** Like `visible`, in the order of the rows that point at the tweets; without tombstones. */
  function visibleBy(source: ListSource, { where, ...selection }: Selection) {
    const query = app.db
      .select({ ...columns, position: sql`${source.position}`.mapWith(Number) })
      .from(source.table)
      .innerJoin(tweets, eq(tweets.id, source.tweetId))
      .$dynamic()
    return withRules(query, { ...selection, where: and(where, isNull(tweets.deletedAt)) }).orderBy(
      desc(source.position),
    )
  }

  function withRules<Query extends MySqlSelect>(query: Query, selection: Selection) {
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

  /**
   * Returns those of these tweets that the viewer may see, tombstones included, in the same order.
   * Reads the cache as of its last sync, or the database within a transaction (`db`).
   */
  async function findVisibleById(ids: number[], viewerId?: number, db?: Db | Tx) {
    const found = await cache.rows.get(ids, db)
    const originalIds = [...found.values()].flatMap(({ originalId }) => originalId ?? [])
    const originals = await cache.rows.get(originalIds, db)
    const authors = new Set<number>()
    for (const { authorId } of found.values()) authors.add(authorId)
    for (const { authorId } of originals.values()) authors.add(authorId)
    const [people, relationships] = await Promise.all([
      app.users.summaries.get(authors, db),
      viewerId === undefined ? undefined : app.graph.relationships.get(viewerId, authors, db),
    ])
    const relationshipTo = (authorId: number) => relationships?.get(authorId)
    const authorMayBeSeen = ({ authorId }: TweetRow) =>
      people.has(authorId) && !relationshipTo(authorId)?.blocked
    return ids.flatMap((id): VisibleTweet[] => {
      const row = found.get(id)
      if (!row || !authorMayBeSeen(row)) return []
      if (row.originalId === null) return [{ row, original: undefined, relationshipTo }]
      const original = originals.get(row.originalId)
      if (!original || original.deleted || !authorMayBeSeen(original)) return []
      return [{ row, original, relationshipTo }]
    })
  }

  /** Returns those of these ids that pass the list's filters, in the same order. */
  async function passFilters(ids: number[], list: string, viewerId: number) {
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
    visibleBy,
    findVisibleById,
    passFilters,
    addFilter: filters.add,
    before,
    notMuted,
    notDeleted: isNull(tweets.deletedAt),
  }
}

export type TweetVisibility = ReturnType<typeof createVisibility>
