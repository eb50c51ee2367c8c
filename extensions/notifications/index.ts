import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  IdParams,
  NoContent,
  PageOf,
  PageQuery,
  problems,
  ref,
} from 'birdhouse/schemas'
import { NotificationPage, NotificationQuery, ReadMark } from './schemas.ts'

export const kernel = '^0.3.0'

const notifications: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/notifications',
    {
      schema: {
        tags: ['notifications'],
        operationId: 'listNotifications',
        summary: 'Your notifications: likes, retweets, follows, replies and mentions by others',
        description:
          'Likes of one tweet, retweets of one tweet, and follows are grouped into one notification while it is unread, for at most 24 hours. A person who joins a group moves it to the top. People you block or mute are left out.',
        security: BearerAuth,
        querystring: NotificationQuery,
        response: { 200: NotificationPage, ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.notifications.page(viewer.userId, query)),
  )

  app.get(
    '/notifications/:id/people',
    {
      schema: {
        tags: ['notifications'],
        operationId: 'listNotificationPeople',
        summary: 'Everyone in a notification',
        security: BearerAuth,
        params: IdParams,
        querystring: PageQuery,
        response: { 200: PageOf(ref('UserSummary')), ...problems(401, 404) },
      },
    },
    async ({ viewer, params, query }, reply) =>
      reply.sendPage(await app.notifications.people(viewer.userId, params.id, query)),
  )

  app.put(
    '/notifications/read',
    {
      schema: {
        tags: ['notifications'],
        operationId: 'markNotificationsRead',
        summary: 'Mark notifications as read',
        description:
          'Notifications that arrive meanwhile stay unread; a smaller `upTo` changes nothing.',
        security: BearerAuth,
        body: ReadMark,
        response: { 204: NoContent, ...problems(401) },
      },
    },
    async ({ viewer, body }, reply) => {
      await app.notifications.markRead(viewer.userId, body.upTo)
      return reply.code(204).send(null)
    },
  )
}

export default notifications
