import type { FastifyInstance } from 'birdhouse'
import { type AnyColumn, and, eq, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm'
import { alias, type MySqlSelect } from 'drizzle-orm/mysql-core'

/** A selected tweet: the ids that hydration needs, and what only the viewer sees of it. */
export type Row = { id: number; originalId: number | null; parentId: number | null; marks: number }
/** Bits of `marks`. The reactions are those to the original. */
export const MARKS = { liked: 1, retweeted: 2, parentHidden: 4, visible: 8 } as const

/**
 * The rules of visibility as joins, conditions and columns. All rules are joins: MariaDB optimizes each
 * subquery of a statement on every execution, which took half the time of a page.
 */
export function createVisibilityRules(app: FastifyInstance) {
  const { blocks, follows, likes, mutes, tweets, users } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const parent = alias(tweets, 'parent')
  const own = alias(tweets, 'own_retweet')
  const ownLike = alias(likes, 'own_like')
  const following = alias(follows, 'following')
  const followsAuthor = alias(follows, 'follows_author')
  const followsOriginal = alias(follows, 'follows_original')

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

  // Drizzle adds joins in place. All are left joins by unique keys, so the number of rows stays.

  function withOriginal<Query extends MySqlSelect>(query: Query): Query {
    query.leftJoin(original, eq(original.id, tweets.retweetOfId))
    return query
  }

  function withAuthors<Query extends MySqlSelect>(query: Query): Query {
    query
      // Every tweet has an author; an inner join would let the optimizer start from all users.
      .leftJoin(users, eq(users.id, tweets.authorId))
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

  const shown = and(
    isNull(users.hiddenAt),
    isNull(original.deletedAt),
    isNull(originalAuthor.hiddenAt),
  )

  const mayBeSeen = (viewerId: number | undefined) =>
    viewerId === undefined
      ? and(shown, isNull(users.limitedAt), isNull(originalAuthor.limitedAt))
      : and(shown, noBlock(toAuthor), noBlock(toOriginal), withinLimits(viewerId))

  /** For a query with `withLimits`. */
  const withinLimits = (viewerId: number) =>
    and(
      or(isNull(users.limitedAt), eq(tweets.authorId, viewerId), isNotNull(followsAuthor.id)),
      or(
        isNull(originalAuthor.limitedAt),
        eq(original.authorId, viewerId),
        isNotNull(followsOriginal.id),
      ),
    )

  /** The first condition of each join spares the lookup where the author is not limited. */
  function withLimits<Query extends MySqlSelect>(query: Query, viewerId: number): Query {
    const all: MySqlSelect = query
    for (const [follow, author, authorId] of [
      [followsAuthor, users, tweets.authorId],
      [followsOriginal, originalAuthor, original.authorId],
    ] as const) {
      const isFollowed = and(eq(follow.followerId, viewerId), eq(follow.followeeId, authorId))
      all.leftJoin(follow, and(isNotNull(author.limitedAt), isFollowed))
    }
    return query
  }

  function withFollows<Query extends MySqlSelect>(query: Query, viewerId: number): Query {
    const ofViewer = and(
      eq(following.followerId, viewerId),
      eq(following.followeeId, tweets.authorId),
    )
    const all: MySqlSelect = query
    all.leftJoin(following, ofViewer)
    return query
  }

  /** For a query with `withFollows`. */
  const isOwnOrFollowed = (viewerId: number) =>
    or(eq(tweets.authorId, viewerId), isNotNull(following.id))

  const isUnrelated = and(noBlock(toAuthor), noBlock(toOriginal), notMuted)

  return {
    ...{ bit, columns, columnsFor, marks, reactions },
    ...{ withOriginal, withAuthors, withReactions, withBlocks, withMutes, withFollows, withLimits },
    ...{ mayBeSeen, notMuted, isUnrelated, isOwnOrFollowed },
  }
}
