import type { FastifyInstance, Tx } from 'birdhouse'
import { eq, inArray } from 'drizzle-orm'

/** Rows per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 200

/** Deletes what deleted tweets and accounts leave behind, and keeps the counts exact. */
export function createTweetErasure(app: FastifyInstance) {
  const { tweets, likes } = app.tables

  app.events.subscribe('tweet.deleted', 'tweets.clearUp', async ({ tweetId }) => clearUp(tweetId))

  app.users.addEraser(async (userId, signal) => {
    await repeat((tx) => removeLikes(tx, eq(likes.userId, userId)), signal)
    for (let batch = await authored(userId); batch.length > 0; batch = await authored(userId)) {
      for (const { id } of batch) {
        signal.throwIfAborted()
        await eraseTweet(id)
      }
    }
  })

  const authored = (userId: number) =>
    app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(eq(tweets.authorId, userId))
      .limit(ROWS_PER_TRANSACTION)

  async function repeat(step: (tx: Tx) => Promise<number>, signal?: AbortSignal) {
    while ((await app.transaction(step)) > 0) signal?.throwIfAborted()
  }

  /** Deletes the likes and retweets of a deleted tweet. */
  async function clearUp(tweetId: number) {
    await repeat((tx) => removeLikes(tx, eq(likes.tweetId, tweetId)))
    await repeat((tx) => removeRetweets(tx, tweetId))
  }

  async function removeLikes(tx: Tx, which: ReturnType<typeof eq>) {
    const rows = await tx
      .select()
      .from(likes)
      .where(which)
      .limit(ROWS_PER_TRANSACTION)
      .for('update')
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await tx.delete(likes).where(inArray(likes.id, ids))
    app.cache.invalidate(
      tx,
      'reactions',
      rows.map(({ userId }) => userId),
    )
    const perTweet = Map.groupBy(rows, ({ tweetId }) => tweetId)
    const changes = new Map([...perTweet].map(([id, { length }]) => [id, { likes: -length }]))
    await app.tweets.counts.add(tx, changes)
    return rows.length
  }

  async function removeRetweets(tx: Tx, originalId: number) {
    const rows = await tx
      .select({ id: tweets.id, authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.retweetOfId, originalId))
      .limit(ROWS_PER_TRANSACTION)
      .for('update')
    if (rows.length === 0) return 0
    await tx.delete(tweets).where(
      inArray(
        tweets.id,
        rows.map(({ id }) => id),
      ),
    )
    for (const { id, authorId } of rows) {
      app.tweets.invalidate(tx, id)
      app.cache.invalidate(tx, 'reactions', [authorId])
      await app.events.emit(tx, 'tweet.deleted', { tweetId: id, authorId })
    }
    await app.tweets.counts.add(tx, new Map([[originalId, { retweets: -rows.length }]]))
    await app.users.counts.add(tx, new Map(rows.map(({ authorId }) => [authorId, { tweets: -1 }])))
    return rows.length
  }

  /** Erases a deleted account's tweet with its likes and retweets; replies stay. */
  async function eraseTweet(id: number) {
    await clearUp(id)
    await app.transaction(async (tx) => {
      const [row] = await tx.select().from(tweets).where(eq(tweets.id, id)).for('update')
      if (!row) return
      await tx.delete(tweets).where(eq(tweets.id, id))
      app.tweets.invalidate(tx, id)
      await app.tweets.counts.erase(tx, [id])
      if (row.retweetOfId)
        await app.tweets.counts.add(tx, new Map([[row.retweetOfId, { retweets: -1 }]]))
      if (row.replyToId && !row.deletedAt) {
        await app.tweets.countReply(tx, row.replyToId, -1)
      }
      if (!row.deletedAt) {
        await app.users.counts.add(tx, new Map([[row.authorId, { tweets: -1 }]]))
        await app.events.emit(tx, 'tweet.deleted', { tweetId: id, authorId: row.authorId })
      }
    })
  }
}
