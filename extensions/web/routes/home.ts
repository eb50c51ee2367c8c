import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { bookmarksPage } from '../pages/lists.ts'
import { notificationsPage } from '../pages/notifications.ts'
import { CursorQuery, LIMIT } from '../schemas.ts'
import { viewOf } from '../view.ts'

/** Lists of the person who is signed in. */
export const home: FastifyPluginAsyncTypebox = async (app) => {
  const { send } = app.web
  const bookmarks = app.optional('bookmarks')
  const notifications = app.optional('notifications')
  const schema = { hide: true, querystring: CursorQuery }

  if (notifications)
    app.get('/notifications', { schema }, async ({ query, viewer }, reply) => {
      const page = await notifications.page(viewer.userId, { ...query, limit: LIMIT })
      const view = viewOf(app, reply)
      return send(reply, {
        title: 'Notifications',
        main: view ? notificationsPage(page, view) : '',
      })
    })

  if (bookmarks)
    app.get('/bookmarks', { schema }, async ({ query, viewer }, reply) => {
      const page = await bookmarks.page(viewer.userId, { ...query, limit: LIMIT })
      const view = viewOf(app, reply)
      return send(reply, { title: 'Bookmarks', main: view ? bookmarksPage(page, view) : '' })
    })
}
