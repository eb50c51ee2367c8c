import type { EventPayloads, FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, inArray, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import { type MutedTags, notMutedTag } from './mutes.ts'

declare module 'fastify' {
  interface JobPayloads {
    'hashtags.purge': object
    'hashtags.moderated': EventPayloads['moderation.acted']
  }
}

/** Hours for which a use of a tag counts. */
const WINDOW = 24
/** Seconds between two purges, and the most that an expired use still counts. */
const PURGE_EVERY = 300
/** Rows per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 200

export type Use = { tag: string; shown: string; authorId: number; tweetId: number; usedAt: Date }
type Author = { tag: string; authorId: number }

/**
 * Ranks tags by the number of people who used them in the window, one row per tag and author.
 * Counts change by the number of rows that an INSERT or DELETE affects.
 */
export function createTrends(app: FastifyInstance) {
  const { hashtagAuthors, hashtagTrends, hashtagTweets, tweets, users } = app.tables
  const windowStart = sql`NOW(3) - INTERVAL ${WINDOW} HOUR`

  app.jobs.every('hashtags.purge', PURGE_EVERY, purge)
  app.users.addEraser((userId, signal) => removeAll(eq(hashtagAuthors.authorId, userId), signal))

  app.events.subscribe(
    'moderation.acted',
    'hashtags.moderated',
    ({ accountId }, { signal }) => removeAll(eq(hashtagAuthors.authorId, accountId ?? 0), signal),
    { when: ({ act }) => act === 'suspend' || act === 'limit' },
  )

  /** Counts uses within the window, except those by suspended and limited authors. Idempotent. */
  async function add(tx: Tx, uses: Use[]) {
    const since = Date.now() - WINDOW * 3_600_000
    const recent = uses.filter(({ usedAt }) => usedAt.getTime() > since)
    // Sorted, so that transactions rarely deadlock.
    const counted = await openAuthors(tx, recent)
    for (const use of recent.toSorted(byTag)) if (counted.has(use.authorId)) await addOne(tx, use)
  }

  async function openAuthors(tx: Tx, uses: Use[]) {
    if (uses.length === 0) return new Set<number>()
    const ids = uses.map(({ authorId }) => authorId)
    const rows = await tx
      .select({ id: users.id })
      .from(users)
      .where(and(inArray(users.id, ids), isNull(users.hiddenAt), isNull(users.limitedAt)))
    return new Set(rows.map(({ id }) => id))
  }

  async function addOne(tx: Tx, { shown, ...row }: Use) {
    const [{ affectedRows }] = await tx.insert(hashtagAuthors).ignore().values(row)
    if (affectedRows === 1) {
      await tx
        .insert(hashtagTrends)
        .values({ tag: row.tag, shown, authors: 1 })
        .onDuplicateKeyUpdate({ set: { authors: sql`${hashtagTrends.authors} + 1` } })
      return
    }
    await tx
      .update(hashtagAuthors)
      .set({ tweetId: row.tweetId, usedAt: row.usedAt })
      .where(and(pair(row), lt(hashtagAuthors.tweetId, row.tweetId)))
  }

  const pair = ({ tag, authorId }: Author) =>
    and(eq(hashtagAuthors.tag, tag), eq(hashtagAuthors.authorId, authorId))

  /** Undoes the use by a deleted tweet, whose row in `hashtags_tweets` has been deleted already. */
  async function retract(tx: Tx, { tag, authorId, tweetId }: Author & { tweetId: number }) {
    const [row] = await tx
      .select()
      .from(hashtagAuthors)
      .where(pair({ tag, authorId }))
      .for('update')
    if (row?.tweetId !== tweetId) return
    const [previous] = await tx
      .select({ tweetId: tweets.id, usedAt: tweets.createdAt })
      .from(hashtagTweets)
      .innerJoin(tweets, eq(tweets.id, hashtagTweets.tweetId))
      .where(
        and(
          eq(hashtagTweets.tag, tag),
          eq(hashtagTweets.authorId, authorId),
          isNull(tweets.deletedAt),
          sql`${tweets.createdAt} > ${windowStart}`,
        ),
      )
      .orderBy(desc(hashtagTweets.tweetId))
      .limit(1)
    if (previous) await tx.update(hashtagAuthors).set(previous).where(pair(row))
    else await remove(tx, [row])
  }

  async function remove(tx: Tx, rows: Author[]) {
    await tx.delete(hashtagAuthors).where(or(...rows.map(pair)))
    const perTag = Map.groupBy(rows.toSorted(byTag), ({ tag }) => tag)
    for (const [tag, { length }] of perTag) {
      await tx
        .update(hashtagTrends)
        .set({ authors: sql`${hashtagTrends.authors} - ${length}` })
        .where(eq(hashtagTrends.tag, tag))
    }
    const unused = and(
      inArray(hashtagTrends.tag, [...perTag.keys()]),
      lte(hashtagTrends.authors, 0),
    )
    await tx.delete(hashtagTrends).where(unused)
  }

  async function removeAll(which: SQL, signal?: AbortSignal) {
    const batch = (tx: Tx) =>
      tx.select().from(hashtagAuthors).where(which).limit(ROWS_PER_TRANSACTION).for('update')
    let removed: number
    do {
      signal?.throwIfAborted()
      removed = await app.transaction(async (tx) => {
        const rows = await batch(tx)
        if (rows.length > 0) await remove(tx, rows)
        return rows.length
      })
    } while (removed > 0)
  }

  async function purge() {
    await removeAll(sql`${hashtagAuthors.usedAt} <= ${windowStart}`)
  }

  /** Tags that most people used in the last 24 hours, without tags that the viewer mutes. */
  async function trending(limit: number, viewerId?: number) {
    const muted: MutedTags = app.tables.hashtagMutes
    const items = await app.db
      .select({ tag: hashtagTrends.shown, authors: hashtagTrends.authors })
      .from(hashtagTrends)
      .where(notMutedTag(muted, viewerId, hashtagTrends.tag))
      .orderBy(desc(hashtagTrends.authors), desc(hashtagTrends.id))
      .limit(limit)
    return { items }
  }

  return { add, retract, trending, purge }
}

const byTag = (a: Author, b: Author) =>
  a.tag === b.tag ? a.authorId - b.authorId : a.tag < b.tag ? -1 : 1
