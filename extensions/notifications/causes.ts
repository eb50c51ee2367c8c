import type { FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import type { Kind } from './tables.ts'

/** Who is told of what whom did; `subjectId` as in the table. */
export type Cause = { userId: number; kind: Kind; actorId: number; subjectId: number }
/** What is shown with it, and the tweet whose deletion takes it along. */
export type Evidence = { tweetId: number | null; sourceId: number | null }

/** Reads whether a cause holds right now: handlers run late, twice and in any order. */
export function createCauses(app: FastifyInstance) {
  const { tweets, likes, follows, users } = app.tables
  const shared = alias(tweets, 'shared')
  const recipient = alias(users, 'recipient')

  /** Undefined when it no longer holds, or when the two shall hear nothing of each other. */
  async function evidenceOf(tx: Tx, cause: Cause): Promise<Evidence | undefined> {
    if (cause.userId === cause.actorId || !(await onSpeakingTerms(tx, cause))) return undefined
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
      const [row] = await tx
        .select({ id: tweets.id, sharedId: shared.id })
        .from(tweets)
        .innerJoin(shared, and(eq(shared.retweetOfId, tweets.id), eq(shared.authorId, actorId)))
        .where(and(eq(tweets.id, subjectId), eq(tweets.authorId, userId), isNull(tweets.deletedAt)))
      return row && { tweetId: row.id, sourceId: row.sharedId }
    },
    async follow(tx, { userId, actorId }) {
      const [row] = await tx
        .select({ id: follows.id })
        .from(follows)
        .where(and(eq(follows.followerId, actorId), eq(follows.followeeId, userId)))
      return row && { tweetId: null, sourceId: null }
    },
    reply: (tx, cause) => ofTweet(tx, cause, (parentAuthor) => parentAuthor === cause.userId),
    // A reply that mentions whom it replies to is told as a reply.
    mention: (tx, cause) => ofTweet(tx, cause, (parentAuthor) => parentAuthor !== cause.userId),
  }

  async function ofTweet(
    tx: Tx,
    { actorId, subjectId }: Cause,
    fits: (parentAuthor: number | null) => boolean,
  ) {
    const [row] = await tx
      .select({ id: tweets.id, parentAuthor: shared.authorId })
      .from(tweets)
      .leftJoin(shared, eq(shared.id, tweets.replyToId))
      .where(and(eq(tweets.id, subjectId), eq(tweets.authorId, actorId), isNull(tweets.deletedAt)))
    return row && fits(row.parentAuthor) ? { tweetId: row.id, sourceId: row.id } : undefined
  }

  return { evidenceOf }
}
