import { type AnyColumn, and, desc, eq, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { alias, type MySqlTable } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import type { createCounter } from '../../db/counter.ts'
import type { Db, Tx } from '../../plugins/db.ts'
import { createListFilters } from './filters.ts'

export type TweetMetric = 'likes' | 'retweets' | 'replies'
export type TweetCounts = ReturnType<typeof createCounter<TweetMetric>>
type Viewer = { viewerId?: number | undefined }
type Selection = Viewer & {
  /** Its kind; filters that features have added apply to lists alone. */
  list?: string | undefined
  where?: SQL | undefined
  limit?: number
}
/** A table whose rows point at tweets and give a list its order, such as likes. */
export type Through = { table: MySqlTable; tweetId: AnyColumn; position: AnyColumn }

/**
 * Reading goes in two steps: a list selects which rows to show, with all rules of visibility in
 * its query, then one more query fills them in, retweeted originals included.
 */
export function createTweetQueries(app: FastifyInstance, counts: TweetCounts) {
  const { tweets, users, likes } = app.tables
  const original = alias(tweets, 'original')
  const originalAuthor = alias(users, 'original_author')
  const parent = alias(tweets, 'parent')
  const parentAuthor = alias(users, 'parent_author')
  const filters = createListFilters()

  /**
   * Rows the viewer may see, newest first: the author's account exists and no block stands between
   * them, and the same for what it retweets. Tombstones are included; `notDeleted` leaves them out.
   */
  function visible(selection: Selection, db: Db | Tx = app.db) {
    const { viewerId, list, where, limit = 1 } = selection
    return (
      db
        .select({ id: tweets.id, originalId: tweets.retweetOfId })
        .from(tweets)
        // Every tweet has an author; an inner join would let the optimizer start from all users.
        .leftJoin(users, eq(users.id, tweets.authorId))
        .leftJoin(original, eq(original.id, tweets.retweetOfId))
        .leftJoin(originalAuthor, eq(originalAuthor.id, original.authorId))
        // The list's own condition first: MariaDB checks in this order, and the rules cost subqueries.
        .where(and(where, mayBeSeen(viewerId), filters.condition(list, viewerId)))
        .orderBy(desc(tweets.id))
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

  /** As `visible`, in the order of the rows that point at the tweets; no tombstones. */
  function visibleThrough(through: Through, { viewerId, list, where, limit = 1 }: Selection) {
    const position = sql`${through.position}`.mapWith(Number)
    return app.db
      .select({ id: tweets.id, originalId: tweets.retweetOfId, position })
      .from(through.table)
      .innerJoin(tweets, eq(tweets.id, through.tweetId))
      .leftJoin(users, eq(users.id, tweets.authorId))
      .leftJoin(original, eq(original.id, tweets.retweetOfId))
      .leftJoin(originalAuthor, eq(originalAuthor.id, original.authorId))
      .where(
        and(
          isNull(tweets.deletedAt),
          mayBeSeen(viewerId),
          filters.condition(list, viewerId),
          where,
        ),
      )
      .orderBy(desc(through.position))
      .limit(limit)
  }

  /** Fills rows in with one query, whatever their number; keeps their order. */
  async function hydrate(
    rows: { id: number; originalId: number | null }[],
    viewerId?: number,
    db: Db | Tx = app.db,
  ) {
    const ids = rows.flatMap(({ id, originalId }) => (originalId ? [id, originalId] : [id]))
    const bodies = await readBodies([...new Set(ids)], viewerId, db)
    const context = { viewerId, db }
    await app.resources.fill('TweetBody', [...bodies.values()], context)
    const authors = [...bodies.values()].flatMap(({ author, replyTo }) => [author, replyTo?.author])
    await app.resources.fill(
      'UserSummary',
      authors.flatMap((one) => one ?? []),
      context,
    )
    return rows.flatMap(({ id, originalId }) => {
      const body = bodies.get(id)
      return body ? [{ ...body, retweetOf: (originalId && bodies.get(originalId)) || null }] : []
    })
  }

  async function readBodies(ids: number[], viewerId: number | undefined, db: Db | Tx) {
    if (ids.length === 0) return new Map<number, ReturnType<typeof presentBody>>()
    const rows = await db
      .select({
        id: tweets.id,
        text: tweets.text,
        createdAt: tweets.createdAt,
        deletedAt: tweets.deletedAt,
        replyToId: tweets.replyToId,
        author: app.users.summary(users),
        parentGone:
          sql<boolean>`${parent.id} IS NULL OR ${parent.deletedAt} IS NOT NULL OR ${parentAuthor.deletedAt} IS NOT NULL`.mapWith(
            Boolean,
          ),
        parentHidden:
          sql<boolean>`NOT (${app.graph.notBlocked(viewerId, parent.authorId) ?? sql`TRUE`})`.mapWith(
            Boolean,
          ),
        parentAuthor: app.users.summary(parentAuthor as unknown as typeof users),
        likeCount: counts.read('likes', sql`${tweets.id}`),
        retweetCount: counts.read('retweets', sql`${tweets.id}`),
        replyCount: counts.read('replies', sql`${tweets.id}`),
        ...flags(viewerId),
      })
      .from(tweets)
      .innerJoin(users, eq(users.id, tweets.authorId))
      .leftJoin(parent, eq(parent.id, tweets.replyToId))
      .leftJoin(parentAuthor, eq(parentAuthor.id, parent.authorId))
      // An account may have been deleted since the ids were read.
      .where(and(inArray(tweets.id, ids), isNull(users.deletedAt)))
    return new Map(rows.map((row) => [row.id, presentBody(row)]))
  }

  function flags(viewerId: number | undefined) {
    if (viewerId === undefined) return {}
    const mine = (condition: SQL) => sql<boolean>`EXISTS (${condition})`.mapWith(Boolean)
    return {
      liked: mine(
        sql`SELECT 1 FROM ${likes} WHERE user_id = ${viewerId} AND tweet_id = ${tweets.id}`,
      ),
      retweeted: mine(
        sql`SELECT 1 FROM ${tweets} AS mine WHERE mine.retweet_of_id = ${tweets.id} AND mine.author_id = ${viewerId}`,
      ),
    }
  }

  type SummaryRow = Parameters<typeof app.users.present>[0]
  type BodyRow = {
    id: number
    text: string | null
    createdAt: Date
    deletedAt: Date | null
    replyToId: number | null
    author: SummaryRow
    parentGone: boolean
    parentHidden: boolean
    parentAuthor: SummaryRow | null
    likeCount: number
    retweetCount: number
    replyCount: number
    liked?: boolean
    retweeted?: boolean
  }

  function presentBody(row: BodyRow) {
    const { deletedAt, replyToId, parentGone, parentHidden, parentAuthor, author, ...body } = row
    const deleted = deletedAt !== null
    const shown = parentAuthor && !parentGone && !parentHidden
    const parent = { deleted: parentGone, author: shown ? app.users.present(parentAuthor) : null }
    return {
      ...body,
      createdAt: row.createdAt.toISOString(),
      deleted,
      author: deleted ? null : app.users.present(author),
      replyTo: replyToId ? { id: replyToId, ...parent } : null,
    }
  }

  return {
    visible,
    visibleThrough,
    addFilter: filters.add,
    hydrate,
    before,
    notMuted,
    notDeleted: isNull(tweets.deletedAt),
  }
}
