import type { EventPayloads, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, isNull, type SQL } from 'drizzle-orm'
import type { Kind } from './schemas.ts'
import type { Notice } from './writing.ts'

declare module 'fastify' {
  interface NotificationKinds {
    like: { tweetId: number }
    retweet: { tweetId: number }
    follow: object
    reply: { tweetId: number }
    mention: { tweetId: number }
    moderation: { subjectId: number }
  }
  interface JobPayloads {
    'notifications.followed': EventPayloads['user.followed']
    'notifications.unfollowed': EventPayloads['user.unfollowed']
    'notifications.liked': EventPayloads['tweet.liked']
    'notifications.unliked': EventPayloads['tweet.unliked']
    'notifications.tweeted': EventPayloads['tweet.created']
    'notifications.deleted': EventPayloads['tweet.deleted']
    'notifications.moderated': EventPayloads['moderation.acted']
  }
}

/** The kinds of Birdhouse's own events. Jobs run late, twice and in any order, so they read what is true now. */
export function addBuiltInKinds(app: FastifyInstance) {
  const { addKind, emit, withdraw, lock, deleteForTweet } = app.notifications
  const { tweets, likes, follows } = app.tables
  const { subscribe } = app.events

  addKind('like', { description: 'Somebody likes your tweet.', grouped: true })
  addKind('retweet', { description: 'Somebody retweets your tweet.', grouped: true })
  addKind('follow', { description: 'Somebody follows you.', grouped: true })
  addKind('reply', { description: 'Somebody replies to your tweet with `tweet`.' })
  addKind('moderation', {
    description:
      'A moderator has acted: `subjectId` is the act in your list of acts of moderators.',
    own: true,
  })

  /** Emits or withdraws a notification by the rows that `facts` finds. */
  async function reconcile<Name extends Kind>(
    kind: Name,
    notice: Notice<Name>,
    facts: (tx: Tx) => PromiseLike<unknown[]>,
  ) {
    await app.transaction(async (tx) => {
      await lock(tx, notice.userId)
      const isTrue = (await facts(tx)).length > 0
      await (isTrue ? emit : withdraw)(tx, kind, notice)
    })
  }

  const follow = ({ followerId, followeeId }: EventPayloads['user.followed']) =>
    reconcile('follow', { userId: followeeId, actorId: followerId }, (tx) =>
      tx
        .select({ id: follows.id })
        .from(follows)
        .where(and(eq(follows.followerId, followerId), eq(follows.followeeId, followeeId))),
    )
  subscribe('user.followed', 'notifications.followed', follow)
  subscribe('user.unfollowed', 'notifications.unfollowed', follow)

  async function like({ tweetId, userId: actorId }: EventPayloads['tweet.liked']) {
    const userId = await authorOf(tweetId)
    if (!userId) return
    await reconcile('like', { userId, actorId, tweetId }, (tx) =>
      tx
        .select({ tweetId: likes.tweetId })
        .from(likes)
        .where(and(eq(likes.tweetId, tweetId), eq(likes.userId, actorId))),
    )
  }
  subscribe('tweet.liked', 'notifications.liked', like)
  subscribe('tweet.unliked', 'notifications.unliked', like)

  async function retweet(actorId: number, tweetId: number) {
    const userId = await authorOf(tweetId)
    if (!userId) return
    const ofActor = and(eq(tweets.retweetOfId, tweetId), eq(tweets.authorId, actorId))
    await reconcile('retweet', { userId, actorId, tweetId }, (tx) => existing(tx, ofActor))
  }

  const existing = (tx: Tx, which: SQL | undefined) =>
    tx
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(which, isNull(tweets.deletedAt)))

  type Tweeted = EventPayloads['tweet.created']
  async function tweeted({ tweetId, authorId: actorId, replyToId, retweetOfId }: Tweeted) {
    if (retweetOfId) await retweet(actorId, retweetOfId)
    const userId = replyToId && (await authorOf(replyToId))
    if (userId) await app.transaction((tx) => emit(tx, 'reply', { userId, actorId, tweetId }))
  }
  const answers = ({ replyToId, retweetOfId }: Tweeted) => Boolean(replyToId ?? retweetOfId)
  subscribe('tweet.created', 'notifications.tweeted', tweeted, { when: answers })

  subscribe('tweet.deleted', 'notifications.deleted', async (deletion) => {
    const { tweetId, authorId, retweetOfId } = deletion
    if (retweetOfId) await retweet(authorId, retweetOfId)
    else await deleteForTweet(tweetId)
  })

  subscribe(
    'moderation.acted',
    'notifications.moderated',
    async ({ actId: subjectId, accountId }) => {
      if (accountId === null) return
      const notice = { userId: accountId, actorId: accountId, subjectId }
      await app.transaction((tx) => emit(tx, 'moderation', notice))
    },
    { when: ({ accountId }) => accountId !== null },
  )

  async function authorOf(tweetId: number) {
    const [row] = await app.db
      .select({ authorId: tweets.authorId })
      .from(tweets)
      .where(eq(tweets.id, tweetId))
    return row?.authorId
  }
}
