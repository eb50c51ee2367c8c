import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNotNull, isNull, ne } from 'drizzle-orm'
import { ANY_SIGN, parse } from './parse.ts'
import type { createTrends } from './trends.ts'

declare module 'fastify' {
  interface EventPayloads {
    /** Once per tweet; without its author, but perhaps with users behind a block. */
    'tweet.mentioned': { tweetId: number; authorId: number; mentionedIds: number[] }
  }
  interface JobPayloads {
    'hashtags.index': { tweetId: number }
    'hashtags.forget': { tweetId: number }
  }
}

/** Rows per statement; keeps locks short. */
const ROWS_PER_TRANSACTION = 500

export type Source = { id: number; authorId: number; text: string; createdAt: Date }

/** Keeps the tags and mentions of tweets in tables. All operations are idempotent, in any order. */
export function createIndex(app: FastifyInstance, trends: ReturnType<typeof createTrends>) {
  const { hashtagMentions, hashtagTweets, tweets, users } = app.tables

  app.events.subscribe(
    'tweet.created',
    'hashtags.index',
    async ({ tweetId }) => {
      await app.transaction((tx) => add(tx, tweetId))
    },
    { when: (_, { text = '' }) => ANY_SIGN.test(text) },
  )
  app.events.subscribe(
    'tweet.deleted',
    'hashtags.forget',
    async ({ tweetId }) => {
      await app.transaction((tx) => forget(tx, tweetId))
    },
    { when: (_, { text }) => text === undefined || ANY_SIGN.test(text) },
  )

  app.users.addEraser(async (userId, signal) => {
    while ((await unlink(userId)) > 0) signal.throwIfAborted()
  })

  /** Does in batches what the foreign key would do in one statement of any size. */
  async function unlink(userId: number) {
    const [{ affectedRows }] = await app.db
      .update(hashtagMentions)
      .set({ userId: null })
      .where(eq(hashtagMentions.userId, userId))
      .limit(ROWS_PER_TRANSACTION)
    return affectedRows
  }

  async function add(tx: Tx, tweetId: number) {
    const [row] = await tx.select().from(tweets).where(eq(tweets.id, tweetId))
    if (!row?.text) return
    const written = await write(tx, [{ ...row, text: row.text }])
    if (written.length > 0) await announce(tx, row.id, row.authorId)
  }

  /** Indexes tweets without an event; returns those that were not deleted meanwhile. */
  async function write(tx: Tx, sources: Source[]) {
    const parsed = sources.map((source) => ({ ...source, ...parse(source.text) }))
    const found = parsed.filter(({ hashtags, mentions }) => hashtags.length + mentions.length > 0)
    await writeTags(tx, found)
    await writeMentions(tx, found)
    const kept = await withoutDeleted(tx, found)
    const uses = kept.flatMap(({ id: tweetId, authorId, createdAt: usedAt, hashtags }) =>
      hashtags.map(({ tag: shown, key: tag }) => ({ tag, shown, authorId, tweetId, usedAt })),
    )
    await trends.add(tx, uses)
    return kept
  }

  type Parsed = Source & ReturnType<typeof parse>

  async function writeTags(tx: Tx, found: Parsed[]) {
    const rows = found.flatMap(({ id: tweetId, authorId, hashtags }) =>
      hashtags.map(({ key: tag }) => ({ tag, tweetId, authorId })),
    )
    if (rows.length > 0) await tx.insert(hashtagTweets).ignore().values(rows)
  }

  async function writeMentions(tx: Tx, found: Parsed[]) {
    const rows = found.flatMap(({ id: tweetId, mentions }) =>
      mentions.map(({ handle }) => ({ tweetId, handle })),
    )
    if (rows.length === 0) return
    const ids = await resolve(
      tx,
      rows.map(({ handle }) => handle),
    )
    const resolved = rows.map((row) => ({ ...row, userId: ids.get(row.handle) ?? null }))
    await tx.insert(hashtagMentions).ignore().values(resolved)
  }

  async function resolve(tx: Tx, handles: string[]) {
    const rows = await tx
      .select({ id: users.id, handle: users.handle })
      .from(users)
      .where(and(inArray(users.handle, [...new Set(handles)]), isNull(users.deletedAt)))
    return new Map(rows.map(({ id, handle }) => [handle, id]))
  }

  /** The new rows' foreign keys lock the tweets, so a later deletion happens after the commit. */
  async function withoutDeleted(tx: Tx, found: Parsed[]) {
    if (found.length === 0) return found
    const ids = found.map(({ id }) => id)
    const rows = await tx
      .select({ id: tweets.id })
      .from(tweets)
      .innerJoin(users, eq(users.id, tweets.authorId))
      .where(and(inArray(tweets.id, ids), isNull(tweets.deletedAt), isNull(users.deletedAt)))
    const there = new Set(rows.map(({ id }) => id))
    const deleted = ids.filter((id) => !there.has(id))
    if (deleted.length > 0) await removeRows(tx, deleted)
    return found.filter(({ id }) => there.has(id))
  }

  async function removeRows(tx: Tx, ids: number[]) {
    await tx.delete(hashtagTweets).where(inArray(hashtagTweets.tweetId, ids))
    await tx.delete(hashtagMentions).where(inArray(hashtagMentions.tweetId, ids))
  }

  /** Emits `tweet.mentioned` once: only one UPDATE finds the rows unannounced. */
  async function announce(tx: Tx, tweetId: number, authorId: number) {
    const ofTweet = eq(hashtagMentions.tweetId, tweetId)
    const [{ affectedRows }] = await tx
      .update(hashtagMentions)
      .set({ announced: true })
      .where(and(ofTweet, eq(hashtagMentions.announced, false)))
    if (affectedRows === 0) return
    const rows = await tx
      .select({ userId: hashtagMentions.userId })
      .from(hashtagMentions)
      .where(and(ofTweet, isNotNull(hashtagMentions.userId), ne(hashtagMentions.userId, authorId)))
    const mentionedIds = rows.flatMap(({ userId }) => userId ?? [])
    if (mentionedIds.length === 0) return
    await app.events.emit(tx, 'tweet.mentioned', { tweetId, authorId, mentionedIds })
  }

  /** Deletes the rows of a tombstone; an erased tweet's rows are gone already. */
  async function forget(tx: Tx, tweetId: number) {
    const ofTweet = eq(hashtagTweets.tweetId, tweetId)
    const rows = await tx.select().from(hashtagTweets).where(ofTweet).for('update')
    await removeRows(tx, [tweetId])
    for (const row of rows) await trends.retract(tx, row)
  }

  return { write }
}
