import type { FastifyInstance, JobContext, Tx } from 'birdhouse'
import { and, asc, eq, gt, gte, lt, or, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import { SIZES } from './sizes.ts'

/** Seconds after which an undelivered tweet counts as overdue: its job has died, or never existed. */
const OVERDUE = 120
/** Tweets per run. */
const TWEETS_PER_SWEEP = 1_000

/** How far a fan-out has come in the index (followee, delivery, follower). */
type Position = { delivery: number; followerId: number }
type Task = { authorId: number; followers: number }
type Context = Pick<JobContext, 'progress' | 'save'>

/**
 * Fan-out on write. A tweet counts as undelivered from its commit until the last entry is written.
 * Reads add undelivered tweets, so readers never wait for a fan-out.
 */
export function createFanOut(
  app: FastifyInstance,
  trim: (readerIds: number[]) => Promise<void>,
  { followersPerStatement } = SIZES,
) {
  const { follows, timelineEntries, timelineStates, tweets } = app.tables
  /** One in this many entries starts a trim check, which keeps the cost per entry low. */
  const trimEvery = Math.max(1, Math.floor(app.config.timeline.TIMELINE_KEEP / 4))

  async function fanOut({ tweetId }: { tweetId: number }, context: Context) {
    const [tweet] = await readTweet({ tweetId })
    if (tweet?.undelivered == null) return
    const { authorId, deletedAt } = tweet
    const rest = deletedAt ? undefined : await insertMost(tweetId, tweet, context)
    await app.transaction((tx) =>
      app.batch(
        tx,
        ...(rest ? [(db: Tx) => insertChunk(db, tweetId, authorId, rest)] : []),
        (db) =>
          db.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
        SELECT reader_id, ${tweetId} FROM ${timelineStates} WHERE reader_id = ${authorId} AND delivery > 0`),
        (db) => db.update(tweets).set({ undelivered: null }).where(eq(tweets.id, tweetId)),
      ),
    )
    if (rest) await trimSome(tweetId, authorId)
  }

  const readTweet = app.prepareQuery((db) =>
    db
      .select({
        authorId: tweets.authorId,
        deletedAt: tweets.deletedAt,
        undelivered: tweets.undelivered,
        followers: app.users.counts.read('followers', sql`${tweets}.author_id`),
      })
      .from(tweets)
      .where(eq(tweets.id, app.placeholder('tweetId'))),
  )

  /**
   * Inserts all chunks but the last and returns where it starts. `delivery` of a follow only grows
   * from `filling` to `materialised`, so none is skipped; a follow that is filled behind the
   * position reads the tweet from its author.
   */
  async function insertMost(tweetId: number, { authorId, followers }: Task, context: Context) {
    let position = (context.progress as Position | null) ?? { delivery: 0, followerId: 0 }
    // The last statement inserts all remaining entries, since the count may lag.
    if (followers <= followersPerStatement) return position
    for (;;) {
      const end = await endOfChunk(authorId, position)
      if (!end) return position
      const start = position
      await app.transaction((tx) => insertChunk(tx, tweetId, authorId, start, end))
      await context.save(end)
      position = end
    }
  }

  const after = ({ delivery, followerId }: Position) =>
    or(
      gt(follows.delivery, delivery),
      and(eq(follows.delivery, delivery), gt(follows.followerId, followerId)),
    )

  const upTo = ({ delivery, followerId }: Position) =>
    or(
      lt(follows.delivery, delivery),
      and(eq(follows.delivery, delivery), sql`${follows.followerId} <= ${followerId}`),
    )

  const within = (authorId: number, start: Position, end?: Position) =>
    and(
      eq(follows.followeeId, authorId),
      gte(follows.delivery, Math.max(start.delivery, DELIVERY.filling)),
      after(start),
      end && upTo(end),
    )

  /** Undefined for the last chunk. */
  async function endOfChunk(authorId: number, start: Position): Promise<Position | undefined> {
    const [row] = await app.db
      .select({ delivery: follows.delivery, followerId: follows.followerId })
      .from(follows)
      .where(within(authorId, start))
      .orderBy(asc(follows.delivery), asc(follows.followerId))
      .limit(1)
      .offset(followersPerStatement - 1)
    return row
  }

  /** Readers who have been away for long get no entries; their state says so. */
  const insertChunk = (
    tx: Tx,
    tweetId: number,
    authorId: number,
    start: Position,
    end?: Position,
  ) =>
    tx.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
      SELECT ${follows.followerId}, ${tweetId} FROM ${follows}
      JOIN ${timelineStates} ON ${timelineStates.readerId} = ${follows.followerId} AND ${timelineStates.delivery} > 0
      WHERE ${within(authorId, start, end)}`)

  async function trimSome(tweetId: number, authorId: number) {
    const chosen = sql`MOD(${follows.followerId} + ${tweetId}, ${trimEvery}) = 0`
    const fannedOut = and(eq(follows.followeeId, authorId), gte(follows.delivery, DELIVERY.filling))
    const rows = await app.db
      .select({ id: follows.followerId })
      .from(follows)
      .where(and(fannedOut, chosen))
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
      await fanOut({ tweetId: id }, context).catch((error) =>
        app.log.warn({ err: error, tweet: id }, 'a tweet could not be fanned out'),
      )
    }
  }

  return { fanOut, deliverOverdue }
}
