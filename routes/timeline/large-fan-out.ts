import type { FastifyInstance, JobContext, Tx } from 'birdhouse'
import { and, asc, eq, gt, gte, lt, or, sql } from 'drizzle-orm'
import { DELIVERY } from './delivery.ts'
import { SIZES } from './sizes.ts'

/** How far a fan-out has come in the index (followee, delivery, follower). */
type Position = { delivery: number; followerId: number }
type Tweet = { id: number; authorId: number; deletedAt: Date | null }
type Context = Pick<JobContext, 'progress' | 'save'>

/** The fan-out of a tweet with more entries than one statement inserts. A killed job resumes. */
export function createLargeFanOut(app: FastifyInstance, { followersPerStatement } = SIZES) {
  const { follows, timelineEntries, timelineStates } = app.tables

  /**
   * Inserts all chunks but the last, and returns what inserts the last. `delivery` of a follow only grows
   * from `filling` to `materialised`, so none is skipped; a follow that is filled behind the
   * position reads the tweet from its author.
   */
  async function insertMost(tweet: Tweet, context: Context | undefined) {
    let position = (context?.progress as Position | null) ?? { delivery: 0, followerId: 0 }
    // The last statement inserts all remaining entries, since the count may lag.
    const insertRest = (tx: Tx) => insertChunk(tx, tweet, position)
    if (tweet.deletedAt) return async () => {}
    for (;;) {
      const end = await endOfChunk(tweet.authorId, position)
      if (!end) return insertRest
      const start = position
      await app.transaction((tx) => insertChunk(tx, tweet, start, end))
      await context?.save(end)
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

  const insertChunk = (tx: Tx, { id, authorId }: Tweet, start: Position, end?: Position) =>
    tx.execute(sql`INSERT IGNORE INTO ${timelineEntries} (reader_id, tweet_id)
      SELECT ${follows.followerId}, ${id} FROM ${follows}
      JOIN ${timelineStates} ON ${timelineStates.readerId} = ${follows.followerId} AND ${timelineStates.delivery} > 0
      WHERE ${within(authorId, start, end)}`)

  return { insertMost }
}
