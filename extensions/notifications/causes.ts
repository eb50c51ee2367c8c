import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import type { Kind } from './tables.ts'

/** `userId` is notified of what `actorId` did; `subjectId` as in the table. */
export type Cause = { userId: number; kind: Kind; actorId: number; subjectId: number }
/** The tweet to show, and the tweet whose deletion also deletes the item. */
export type Evidence = { tweetId: number | null; sourceId: number | null }

/** Checks whether a cause holds now: handlers run late, twice and in any order. */
export function createCauses(app: FastifyInstance) {
  const { tweets, likes, follows, users } = app.tables
  const recipient = alias(users, 'recipient')

  /** Undefined if it no longer holds, or a block, mute or deletion separates the users. */
  async function evidenceOf(tx: Tx, cause: Cause): Promise<Evidence | undefined> {
    if (!(await onSpeakingTerms(tx, cause))) return undefined
    return evidence[cause.kind](tx, cause)
  }

  async function onSpeakingTerms(tx: Tx, { userId, actorId }: Cause) {
    const [row] = await tx
      .select({ id: users.id })
      .from(users)
      .innerJoin(recipient, and(eq(recipient.id, userId), isNull(recipient.deletedAt)))
      .where(
        and(
          eq(users.id, actorId),
          isNull(users.deletedAt),
          app.graph.notBlocked(userId, users.id),
          app.graph.notMuted(userId, users.id),
        ),
      )
    return row !== undefined
  }

  const evidence: Record<Kind, (tx: Tx, cause: Cause) => Promise<Evidence | undefined>> = {
    async like(tx, { userId, actorId, subjectId }) {
      const [row] = await tx
        .select({ id: tweets.id })
        .from(tweets)
        .innerJoin(likes, and(eq(likes.tweetId, tweets.id), eq(likes.userId, actorId)))
        .where(and(eq(tweets.id, subjectId), eq(tweets.authorId, userId), isNull(tweets.deletedAt)))
      return row && { tweetId: row.id, sourceId: null }
    },
    async retweet(tx, { userId, actorId, subjectId }) {
      const retweet = and(eq(tweets.retweetOfId, subjectId), eq(tweets.authorId, actorId))
      const source = await hold(tx, retweet)
      const original = await find(tx, and(eq(tweets.id, subjectId), eq(tweets.authorId, userId)))
      return source && original && { tweetId: original.id, sourceId: source.id }
    },
    async follow(tx, { userId, actorId }) {
      const [row] = await tx
        .select({ id: follows.id })
        .from(follows)
        .where(and(eq(follows.followerId, actorId), eq(follows.followeeId, userId)))
      return row && { tweetId: null, sourceId: null }
    },
    reply: (tx, cause) => ofTweet(tx, cause, (parentAuthor) => parentAuthor === cause.userId),
    // A reply that mentions the author it replies to counts as a reply.
    mention: (tx, cause) => ofTweet(tx, cause, (parentAuthor) => parentAuthor !== cause.userId),
  }

  async function ofTweet(
    tx: Tx,
    { actorId, subjectId }: Cause,
    fits: (parentAuthor: number | undefined) => boolean,
  ) {
    const source = await hold(tx, and(eq(tweets.id, subjectId), eq(tweets.authorId, actorId)))
    if (!source) return undefined
    const [parent] = await tx
      .select({ authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.id, source.replyToId ?? 0))
    return fits(parent?.authorId) ? { tweetId: source.id, sourceId: source.id } : undefined
  }

  const existing = (tx: Tx, which: SQL | undefined) =>
    tx
      .select({ id: tweets.id, replyToId: tweets.replyToId })
      .from(tweets)
      .where(and(which, isNull(tweets.deletedAt)))

  async function find(tx: Tx, which: SQL | undefined) {
    const [row] = await existing(tx, which)
    return row
  }

  /** Locks the tweet, so that its deletion happens entirely before, or after and finds the item. */
  async function hold(tx: Tx, which: SQL | undefined) {
    const [row] = await existing(tx, which).for('update')
    return row
  }

  return { evidenceOf }
}
