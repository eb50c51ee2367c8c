import type { EventPayloads, FastifyInstance } from 'birdhouse'
import { eq, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { COUNTED, createReading } from './reading.ts'
import { createReconciliation } from './reconcile.ts'
import { createRemoval } from './removal.ts'

declare module 'fastify' {
  interface FastifyInstance {
    notifications: ReturnType<typeof createNotifications>
  }
  interface UserFields {
    unreadNotificationCount?: number
  }
  interface EventPayloads {
    // Emitted by the extension `hashtags`, which documents the event.
    'tweet.mentioned': { tweetId: number; authorId: number; mentionedIds: number[] }
  }
  interface JobPayloads {
    'notifications.purge': object
    'notifications.followed': EventPayloads['user.followed']
    'notifications.unfollowed': EventPayloads['user.unfollowed']
    'notifications.liked': EventPayloads['tweet.liked']
    'notifications.unliked': EventPayloads['tweet.unliked']
    'notifications.tweeted': EventPayloads['tweet.created']
    'notifications.mentioned': EventPayloads['tweet.mentioned']
    'notifications.deleted': EventPayloads['tweet.deleted']
  }
}

/** Seconds per day. */
const DAY = 24 * 3600

function createNotifications(app: FastifyInstance) {
  const { notificationStates, notificationGroups } = app.tables
  const { reconcile, deleteForTweet, lock } = createReconciliation(app)

  /**
   * Marks everything up to the item `upTo` as read, by default everything. Notifications that
   * arrive meanwhile stay unread; a smaller `upTo` changes nothing.
   */
  async function markRead(userId: number, upTo = Number.MAX_SAFE_INTEGER) {
    await app.transaction(async (tx) => {
      if ((await lock(tx, userId)) === undefined) return
      const ofUser = eq(notificationGroups.userId, userId)
      const [row] = await tx
        .select({ newest: sql`COALESCE(MAX(${notificationGroups.latestId}), 0)`.mapWith(Number) })
        .from(notificationGroups)
        .where(ofUser)
      const mark = Math.min(upTo, row?.newest ?? 0)
      await tx
        .update(notificationStates)
        .set({ readUpTo: sql`GREATEST(${notificationStates.readUpTo}, ${mark})` })
        .where(eq(notificationStates.userId, userId))
    })
  }

  return {
    ...createReading(app),
    markRead,
    reconcile,
    deleteForTweet,
    ...createRemoval(app, reconcile),
  }
}

async function service(app: FastifyInstance) {
  app.decorate('notifications', createNotifications(app))
  listen(app)
  app.jobs.every('notifications.purge', DAY, app.notifications.purge)
  app.users.addEraser(app.notifications.erase)

  app.resources.addField(['OwnUser'], 'unreadNotificationCount', {
    schema: Type.Optional(
      Type.Integer({
        maximum: COUNTED,
        description: `Unread notifications, counted up to ${COUNTED}.`,
        examples: [5],
      }),
    ),
    read: async ([id = 0]) => new Map([[id, await app.notifications.unreadCount(id)]]),
  })
}

/** Reconciles the cause of each event, whether a user did something or undid it. */
function listen(app: FastifyInstance) {
  const { reconcile, deleteForTweet } = app.notifications
  const { subscribe } = app.events

  const follow = ({ followerId, followeeId }: { followerId: number; followeeId: number }) =>
    reconcile({ userId: followeeId, kind: 'follow', actorId: followerId, subjectId: 0 })
  subscribe('user.followed', 'notifications.followed', follow)
  subscribe('user.unfollowed', 'notifications.unfollowed', follow)

  const like = async ({ tweetId, userId }: { tweetId: number; userId: number }) => {
    const recipient = await authorOf(app, tweetId)
    if (!recipient) return
    await reconcile({ userId: recipient, kind: 'like', actorId: userId, subjectId: tweetId })
  }
  subscribe('tweet.liked', 'notifications.liked', like)
  subscribe('tweet.unliked', 'notifications.unliked', like)

  type Tweeted = EventPayloads['tweet.created']
  const tweeted = async ({ tweetId, authorId: actorId, replyToId, retweetOfId }: Tweeted) => {
    const recipient = await authorOf(app, replyToId ?? retweetOfId)
    if (!recipient) return
    if (replyToId)
      await reconcile({ userId: recipient, kind: 'reply', actorId, subjectId: tweetId })
    if (retweetOfId)
      await reconcile({ userId: recipient, kind: 'retweet', actorId, subjectId: retweetOfId })
  }
  const answers = ({ replyToId, retweetOfId }: Tweeted) => Boolean(replyToId ?? retweetOfId)
  subscribe('tweet.created', 'notifications.tweeted', tweeted, { when: answers })
  subscribe('tweet.mentioned', 'notifications.mentioned', async (mention) => {
    const { tweetId: subjectId, authorId: actorId, mentionedIds } = mention
    for (const userId of mentionedIds)
      await reconcile({ userId, kind: 'mention', actorId, subjectId })
  })
  subscribe('tweet.deleted', 'notifications.deleted', ({ tweetId, authorId }) =>
    deleteForTweet(tweetId, authorId),
  )
}

async function authorOf(app: FastifyInstance, tweetId = 0) {
  const { tweets } = app.tables
  const [row] = await app.db
    .select({ authorId: tweets.authorId })
    .from(tweets)
    .where(eq(tweets.id, tweetId))
  return row?.authorId
}

export default fp(service, {
  name: 'notifications.service',
  dependencies: ['tweets.service', 'graph.service'],
})
