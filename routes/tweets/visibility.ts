import type { Db, FastifyInstance, Tx } from 'birdhouse'
import {
  type AnyColumn,
  and,
  desc,
  eq,
  inArray,
  isNotNull,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
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
  /** True to leave out authors whom the viewer mutes. */
  unmuted?: boolean
  limit?: number
  /** True when only the ids are wanted, not what the viewer sees of the tweets. */
  unmarked?: boolean
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type ListSource = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

/**
 * The first step of reading selects the rows that a viewer may see. All rules are joins: MariaDB
 * optimizes each subquery of a statement on every execution, which took half the time of a page.
 */
export function createVisibility(app: FastifyInstance) {
  const { blocks, follows, likes, mutes, tweets, users } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const parent = alias(tweets, 'parent')
  const own = alias(tweets, 'own_retweet')
  const ownLike = alias(likes, 'own_like')
  const following = alias(follows, 'following')
  const filters = createListFilters(app)

  /** Blocks in either direction and mutes between the viewer and the author in a column. */
  const relation = (name: string, authorId: AnyColumn) => ({
    authorId,
    blocks: alias(blocks, `${name}_blocked`),
    blocked: alias(blocks, `${name}_blocking`),
    mutes: alias(mutes, `${name}_muted`),
  })
  const toAuthor = relation('author', tweets.authorId)
  const toOriginal = relation('original', original.authorId)
  const toParent = relation('parent', parent.authorId)
  const noBlock = ({ blocks, blocked }: typeof toAuthor) =>
    and(isNull(blocks.id), isNull(blocked.id))

  const originalId = sql`COALESCE(${tweets.retweetOfId}, ${tweets.id})`
  const parentId = sql<number | null>`COALESCE(${original.replyToId}, ${tweets.replyToId})`
  const bit = (weight: number, condition: SQL | undefined) =>
    sql`IF(${condition}, ${sql.raw(String(weight))}, 0)`
  const reactions = sql`${bit(MARKS.liked, isNotNull(ownLike.id))} + ${bit(MARKS.retweeted, isNotNull(own.id))}`
  const marks = sql`${reactions} + ${bit(MARKS.parentHidden, sql`NOT (${noBlock(toParent)})`)}`

  const columns = (marks: SQL) => ({
    id: tweets.id,
    originalId: tweets.retweetOfId,
    parentId: parentId.mapWith(Number) as SQL<number | null>,
    marks: marks.mapWith(Number),
  })
  const columnsFor = (viewerId: number | undefined) =>
    columns(viewerId === undefined ? sql`0` : marks)

  /**
   * Rows that the viewer may see, newest first: the author exists, no block separates the two, and
   * the same holds for a retweeted original. Add `notDeleted` to exclude tombstones.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const { viewerId, unmarked } = selection
    const query = db
      .select(columnsFor(unmarked ? undefined : viewerId))
      .from(tweets)
      .$dynamic()
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

  /**
   * The newest of these candidates (a SELECT of `id`). Those that belong on the viewer's home timeline
   * have the mark `visible`. Viewers without blocks and mutes (`hasRelations`) save half of the joins.
   */
  function onTimeline(db: Db | Tx, candidates: SQL, viewerId: number, hasRelations: boolean) {
    const follows = or(eq(tweets.authorId, viewerId), isNotNull(following.id))
    const unrelated = hasRelations
      ? and(noBlock(toAuthor), noBlock(toOriginal), notMuted)
      : undefined
    const shown = and(exists, isNull(tweets.deletedAt), follows, unrelated)
    const query = db
      .select(columns(sql`${hasRelations ? marks : reactions} + ${bit(MARKS.visible, shown)}`))
      .from(sql`(${candidates}) AS candidates`)
      .innerJoin(tweets, sql`${tweets.id} = candidates.id`)
      .$dynamic()
    const all = withReactions(joined(query), viewerId)
    return (hasRelations ? withMutes(withBlocks(all, viewerId), viewerId) : all)
      .leftJoin(
        following,
        and(eq(following.followerId, viewerId), eq(following.followeeId, tweets.authorId)),
      )
      .orderBy(desc(tweets.id))
  }

  function withRules<Query extends MySqlSelect>(query: Query, selection: Selection) {
    const { viewerId, list, where, limit = 1, unmuted, unmarked } = selection
    const rules = and(mayBeSeen(viewerId), unmuted ? notMuted : undefined)
    const all = joined(query)
    if (viewerId !== undefined) {
      if (!unmarked) withReactions(all, viewerId)
      withBlocks(all, viewerId, !unmarked)
    }
    return (
      (unmuted && viewerId !== undefined ? withMutes(all, viewerId) : all)
        // The list's own condition first: MariaDB checks in this order.
        .where(and(where, rules, filters.condition(list, viewerId)))
        .limit(limit)
    )
  }

  // Drizzle adds joins in place. All are left joins by unique keys, so the number of rows stays.

  function joined<Query extends MySqlSelect>(query: Query): Query {
    query
      // Every tweet has an author; an inner join would let the optimizer start from all users.
      .leftJoin(users, eq(users.id, tweets.authorId))
      .leftJoin(original, eq(original.id, tweets.retweetOfId))
      .leftJoin(originalAuthor, eq(originalAuthor.id, original.authorId))
    return query
  }

  function withReactions<Query extends MySqlSelect>(query: Query, viewerId: number): Query {
    const ofViewer = (userId: AnyColumn, tweetId: AnyColumn) =>
      and(eq(userId, viewerId), eq(tweetId, originalId))
    query
      .leftJoin(ownLike, ofViewer(ownLike.userId, ownLike.tweetId))
      .leftJoin(own, ofViewer(own.authorId, own.retweetOfId))
    return query
  }

  function withBlocks<Query extends MySqlSelect>(
    query: Query,
    viewerId: number,
    ofParent = true,
  ): Query {
    const all: MySqlSelect = query
    if (ofParent) all.leftJoin(parent, sql`${parent.id} = ${parentId}`)
    const authors = [toAuthor, toOriginal, ...(ofParent ? [toParent] : [])]
    for (const { blocks, blocked, authorId } of authors) {
      all
        .leftJoin(blocks, and(eq(blocks.blockerId, viewerId), eq(blocks.blockedId, authorId)))
        .leftJoin(blocked, and(eq(blocked.blockerId, authorId), eq(blocked.blockedId, viewerId)))
    }
    return query
  }

  function withMutes<Query extends MySqlSelect>(query: Query, viewerId: number): Query {
    const all: MySqlSelect = query
    for (const { mutes, authorId } of [toAuthor, toOriginal])
      all.leftJoin(mutes, and(eq(mutes.muterId, viewerId), eq(mutes.mutedId, authorId)))
    return query
  }

  const notMuted = and(isNull(toAuthor.mutes.id), isNull(toOriginal.mutes.id))

  const exists = and(
    isNull(users.deletedAt),
    isNull(original.deletedAt),
    isNull(originalAuthor.deletedAt),
  )

  const mayBeSeen = (viewerId: number | undefined) =>
    viewerId === undefined ? exists : and(exists, noBlock(toAuthor), noBlock(toOriginal))

  /** Selects the tweets among these ids that the viewer may see, tombstones included. */
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

  return {
    visible,
    visibleBy,
    visibleById,
    onTimeline,
    passFilters,
    addFilter: filters.add,
    before,
    notDeleted: isNull(tweets.deletedAt),
  }
}

export type TweetVisibility = ReturnType<typeof createVisibility>
