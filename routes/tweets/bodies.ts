import { and, eq, inArray, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import type { FastifyInstance, Resources } from 'fastify'
import type { createCounter } from '../../db/counter.ts'
import type { Db, Tx } from '../../plugins/db.ts'

export type TweetMetric = 'likes' | 'retweets' | 'replies'
export type TweetCounts = ReturnType<typeof createCounter<TweetMetric>>

/** The second step of reading: fills the selected rows in, retweeted originals included. */
export function createTweetBodies(app: FastifyInstance, counts: TweetCounts) {
  const { tweets, users, likes } = app.tables
  const parent = alias(tweets, 'parent')
  const parentAuthor = alias(users, 'parent_author')

  /** Fills rows in with one query, whatever their number; keeps their order. */
  async function hydrate(
    rows: { id: number; originalId: number | null }[],
    viewerId?: number,
    db: Db | Tx = app.db,
  ) {
    const ids = rows.flatMap(({ id, originalId }) => (originalId ? [id, originalId] : [id]))
    const bodies = await readBodies([...new Set(ids)], viewerId, db)
    await app.media.fill([...bodies.values()], db)
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
    const read = viewerId === undefined ? readForAll : readForViewer
    const rows = db === app.db ? await read(ids, { viewerId }) : await select(db, ids, viewerId)
    return new Map(rows.map((row) => [row.id, presentBody(row)]))
  }

  const readForAll = app.prepareForIds((ids) => select(app.prepared, ids))
  const readForViewer = app.prepareForIds((ids) =>
    // What asks for the viewer puts it into SQL and nowhere else, where a placeholder does as well.
    select(app.prepared, ids, sql.placeholder('viewerId') as unknown as number),
  )

  function select(db: Db | Tx, ids: (number | Placeholder)[], viewerId?: number) {
    const counted = counts.joined(ids, sql`${tweets.id}`)
    return (
      db
        .select({
          id: tweets.id,
          text: tweets.text,
          mediaCount: tweets.mediaCount,
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
          likeCount: counted.read('likes'),
          retweetCount: counted.read('retweets'),
          replyCount: counted.read('replies'),
          ...flags(viewerId),
        })
        .from(tweets)
        .innerJoin(users, eq(users.id, tweets.authorId))
        .leftJoin(parent, eq(parent.id, tweets.replyToId))
        .leftJoin(parentAuthor, eq(parentAuthor.id, parent.authorId))
        .leftJoin(counted.totals, counted.onTotals)
        .leftJoin(counted.pending, counted.onPending)
        // An account may have been deleted since the ids were read.
        .where(and(inArray(tweets.id, ids), isNull(users.deletedAt)))
    )
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
    mediaCount: number
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
      // For as long as the tombstone's own are not yet removed.
      mediaCount: deleted ? 0 : row.mediaCount,
      media: [] as Resources['Media'][],
      author: deleted ? null : app.users.present(author),
      replyTo: replyToId ? { id: replyToId, ...parent } : null,
    }
  }

  return { hydrate }
}
