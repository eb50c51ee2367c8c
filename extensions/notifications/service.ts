import type { FastifyInstance, Resources } from 'birdhouse'
import { ref } from 'birdhouse/schemas'
import { eq, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { addBuiltInKinds } from './built-in.ts'
import type {} from './config.ts'
import { addExports } from './exports.ts'
import { createKinds } from './kinds.ts'
import { addMentions } from './mentions.ts'
import { COUNTED, createReading } from './reading.ts'
import { createRemoval } from './removal.ts'
import type {} from './tables.ts'
import { createWriting } from './writing.ts'

declare module 'fastify' {
  interface FastifyInstance {
    notifications: ReturnType<typeof createNotifications>
  }
  interface UserFields {
    unreadNotificationCount?: number
  }
  interface JobPayloads {
    'notifications.purge': object
  }
  interface LiveEvents {
    notification: Resources['Notification']
  }
}

/** Seconds per day. */
const DAY = 24 * 3600

function createNotifications(app: FastifyInstance) {
  const { notificationStates, notificationGroups } = app.tables
  const kinds = createKinds(app)
  const { remove, ...writing } = createWriting(app, kinds)

  /**
   * Marks everything up to the item `upTo` as read, by default everything. Notifications that
   * arrive meanwhile stay unread; a smaller `upTo` changes nothing.
   */
  async function markRead(userId: number, upTo = Number.MAX_SAFE_INTEGER) {
    await app.transaction(async (tx) => {
      if (!(await writing.lock(tx, userId))) return
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
    addKind: kinds.addKind,
    ...writing,
    ...createReading(app, kinds),
    markRead,
    ...createRemoval(app, { ...writing, remove }),
  }
}

async function service(app: FastifyInstance) {
  app.decorate('notifications', createNotifications(app))
  addBuiltInKinds(app)
  addMentions(app)
  addExports(app)
  app.jobs.every('notifications.purge', DAY, app.notifications.purge)
  app.users.addEraser(app.notifications.erase)

  app.optional('live')?.addEvent('notification', {
    description:
      'a notification that is new or that somebody joins, as in the list of your notifications',
    schema: ref('Notification'),
    read: async (events) => {
      const items = events.map(({ subjectId, userId }) => app.notifications.get(subjectId, userId))
      return new Map((await Promise.all(items)).flatMap((item) => (item ? [[item.id, item]] : [])))
    },
  })

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

export default fp(service, {
  name: 'notifications.service',
  dependencies: ['tweets.service', 'graph.service'],
  optional: ['live.service'],
})
