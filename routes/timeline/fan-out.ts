import type { FastifyInstance, JobContext, Tx } from 'birdhouse'
import { and, asc, eq, gte, inArray, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import { createLargeFanOut } from './large-fan-out.ts'
import { SIZES } from './sizes.ts'

/** Seconds after which an undelivered tweet counts as overdue: its job has died, or never existed. */
const OVERDUE = 120
/** Tweets per run. */
const TWEETS_PER_SWEEP = 1_000

type Context = Pick<JobContext, 'progress' | 'save'>
type Tweet = { id: number; authorId: number; deletedAt: Date | null; followers: number }

/**
 * Fan-out on write. A tweet counts as undelivered from its commit until the last entry is written.
 * Reads add undelivered tweets, so readers never wait for a fan-out.
 */
export function createFanOut(
  app: FastifyInstance,
  trim: (readerIds: number[]) => Promise<void>,
  sizes = SIZES,
) {
  const { follows, timelineEntries, timelineStates, tweets } = app.tables
  const { followersPerStatement } = sizes
  const large = createLargeFanOut(app, sizes)
  /** One in this many entries starts a trim check, which keeps the cost per entry low. */
  const trimEvery = Math.max(1, Math.floor(app.config.timeline.TIMELINE_KEEP / 4))

  /** Merges the tweets of the jobs that start at the same time. */
  const fanOut = app.jobs.merging(async (jobs: { tweetId: number; context: Context }[]) => {
    const contexts = new Map(jobs.map(({ tweetId, context }) => [tweetId, context]))
    const found = await readTweets([...contexts.keys()])
    const undelivered = found.filter(({ undelivered }) => undelivered !== null)
    const isLarge = ({ followers }: Tweet) => followers > followersPerStatement
    for (const group of grouped(undelivered.filter((tweet) => !isLarge(tweet))))
      await deliver(group, (tx) => insertEntries(tx, group))
    for (const tweet of undelivered.filter(isLarge)) {
      const insertRest = await large.insertMost(tweet, contexts.get(tweet.id))
      await deliver([tweet], insertRest)
    }
  })

  const readTweets = app.prepareForIds((ids, db) =>
    db
      .select({
        id: tweets.id,
        authorId: tweets.authorId,
        deletedAt: tweets.deletedAt,
        undelivered: tweets.undelivered,
        followers: app.users.counts.read('followers', sql`${tweets}.author_id`),
      })
      .from(tweets)
      .where(inArray(tweets.id, ids)),
  )

  /** Groups with entries for one statement. */
  function grouped(all: Tweet[]) {
    const groups: Tweet[][] = []
    let followers = Number.POSITIVE_INFINITY
    for (const tweet of all) {
      followers += tweet.followers
      if (followers > followersPerStatement) {
        groups.push([])
        followers = tweet.followers
      }
      groups.at(-1)?.push(tweet)
    }
    return groups
  }

  async function deliver(group: Tweet[], insert: (tx: Tx) => PromiseLike<unknown>) {
    const ids = group.map(({ id }) => id)
    await app.transaction((tx) =>
      app.batch(
        tx,
        insert,
        (db) =>
          db.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
            SELECT reader_id, tweet_id FROM ${given(group)}
            JOIN ${timelineStates} ON reader_id = author_id AND delivery > 0`),
        (db) => db.update(tweets).set({ undelivered: null }).where(inArray(tweets.id, ids)),
      ),
    )
    await trimSome(group)
  }

  /** One parameter, so that the text of a statement does not depend on the number of tweets. */
  const given = (group: Tweet[]) =>
    sql`JSON_TABLE(${JSON.stringify(group.map(({ id, authorId }) => ({ id, authorId })))}, '$[*]' COLUMNS (
      tweet_id BIGINT UNSIGNED PATH '$.id', author_id BIGINT UNSIGNED PATH '$.authorId')) AS given`

  const existing = (group: Tweet[]) => group.filter(({ deletedAt }) => !deletedAt)

  /** Readers who have been away for long get no entries; their state says so. */
  const insertEntries = (tx: Tx, group: Tweet[]) =>
    tx.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
      SELECT STRAIGHT_JOIN ${follows.followerId}, tweet_id FROM ${given(existing(group))}
      JOIN ${follows} ON ${fannedOut}
      JOIN ${timelineStates} ON ${timelineStates.readerId} = ${follows.followerId}
        AND ${timelineStates.delivery} > 0`)

  const fannedOut = sql`${follows.followeeId} = author_id AND ${gte(follows.delivery, DELIVERY.filling)}`

  async function trimSome(group: Tweet[]) {
    const rows = await app.db
      .selectDistinct({ id: follows.followerId })
      .from(given(existing(group)))
      .innerJoin(follows, fannedOut)
      .where(sql`MOD(${follows.followerId} + tweet_id, ${trimEvery}) = 0`)
    await trim(rows.map(({ id }) => id))
  }

  /** Fans out tweets that were inserted directly in the database, or whose job has died. */
  async function deliverOverdue(signal: AbortSignal) {
    const old = sql`${tweets.createdAt} < NOW(3) - INTERVAL ${OVERDUE} SECOND`
    const rows = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(eq(tweets.undelivered, 1), old))
      .orderBy(asc(tweets.id))
      .limit(TWEETS_PER_SWEEP)
    const context = { progress: null, save: async () => {} }
    for (const { id } of rows) {
      if (signal.aborted || app.drain.signal.aborted) return
      // A tweet that always fails must not block the tweets behind it.
      await fanOut({ tweetId: id, context }).catch((error) =>
        app.log.warn({ err: error, tweet: id }, 'a tweet could not be fanned out'),
      )
    }
  }

  return {
    fanOut: ({ tweetId }: { tweetId: number }, context: Context) => fanOut({ tweetId, context }),
    deliverOverdue,
  }
}
