import type { FastifyInstance, Tx } from 'birdhouse'
import { eq, type SQL } from 'drizzle-orm'

/** Rows per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 200

/** Deletes what deleted tweets and accounts leave behind, and keeps the counts exact. */
export function createTweetErasure(app: FastifyInstance) {
  const { tweets, likes } = app.tables

  app.events.subscribe('tweet.deleted', 'tweets.clearUp', async ({ tweetId }) => clearUp(tweetId))

  app.users.addEraser(async (userId, signal) => {
    await removeLikes(eq(likes.userId, userId), signal)
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

  /** Deletes the likes and retweets of a deleted tweet. */
  async function clearUp(tweetId: number) {
    await removeLikes(eq(likes.tweetId, tweetId))
    await removeRetweets(tweetId)
  }

  async function removeLikes(which: SQL, signal?: AbortSignal) {
    const onRows = async (tx: Tx, rows: { tweetId: number; userId: number }[]) => {
      const userIds = rows.map(({ userId }) => userId)
      app.cache.invalidate(tx, 'reactions', userIds)
      const perTweet = Map.groupBy(rows, ({ tweetId }) => tweetId)
      const changes = new Map([...perTweet].map(([id, { length }]) => [id, { likes: -length }]))
      await app.tweets.counts.add(tx, changes)
    }
    await app.deleteInBatches(likes, which, onRows, { signal })
  }

  async function removeRetweets(originalId: number) {
    await app.deleteInBatches(tweets, eq(tweets.retweetOfId, originalId), async (tx, rows) => {
      for (const { id, authorId } of rows) {
        const payload = { tweetId: id, authorId, retweetOfId: originalId }
        await app.events.emit(tx, 'tweet.deleted', payload)
      }
      await app.tweets.counts.add(tx, new Map([[originalId, { retweets: -rows.length }]]))
      const authors = rows.map(({ authorId }) => [authorId, { tweets: -1 }] as const)
      await app.users.counts.add(tx, new Map(authors))
    })
  }

  /** Erases a deleted account's tweet with its likes and retweets; replies stay. */
  async function eraseTweet(id: number) {
    await clearUp(id)
    await app.transaction(async (tx) => {
      const [row] = await tx.select().from(tweets).where(eq(tweets.id, id)).for('update')
      if (!row) return
      await tx.delete(tweets).where(eq(tweets.id, id))
      app.cache.invalidate(tx, 'tweet', [id])
      await app.tweets.counts.erase(tx, [id])
      if (row.retweetOfId)
        await app.tweets.counts.add(tx, new Map([[row.retweetOfId, { retweets: -1 }]]))
      if (row.replyToId && !row.deletedAt) {
        await app.tweets.countReply(tx, row.replyToId, -1)
      }
      if (!row.deletedAt) {
        await app.users.counts.add(tx, new Map([[row.authorId, { tweets: -1 }]]))
        const { authorId, retweetOfId } = row
        const payload = { tweetId: id, authorId, ...(retweetOfId && { retweetOfId }) }
        await app.events.emit(tx, 'tweet.deleted', payload)
      }
    })
  }
}
