import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { Type } from 'typebox'
import { IdParams, idIn } from '../answers.ts'
import { NotFound } from '../errors.ts'
import { link, pageQuery, toPageRequest } from '../paging.ts'
import { KINDS, kindsOf, toNotifications } from '../present/notifications.ts'

const USUAL = 40

export const types = Type.Optional(Type.Array(Type.String(), { maxItems: 50 }))

const notifications: FastifyPluginAsyncTypebox = async (app) => {
  const service = app.optional('notifications')
  const config = { scope: 'read:notifications' }
  const writing = { scope: 'write:notifications' }
  const params = IdParams

  app.get(
    '/api/v1/notifications',
    {
      config,
      schema: { querystring: Type.Object({ ...pageQuery, types, exclude_types: types }) },
    },
    async (request, reply) => {
      const { query, viewer } = request
      const asked = { ...toPageRequest(query, USUAL), of: kindsOf(query) }
      const page = await service?.causes(viewer.userId, asked)
      if (!page) return []
      link(app, request, reply, page)
      return toNotifications(app, request, page.items)
    },
  )

  app.get('/api/v1/notifications/unread_count', { config }, async ({ viewer }) => ({
    count: (await service?.unreadCount(viewer.userId, { of: KINDS })) ?? 0,
  }))

  app.get('/api/v1/notifications/:id', { config, schema: { params } }, async (request) => {
    const item = await service?.cause(idIn(request.params), request.viewer.userId)
    const [shown] = item ? await toNotifications(app, request, [item]) : []
    if (!shown) throw new NotFound()
    return shown
  })

  app.post('/api/v1/notifications/clear', { config: writing }, async ({ viewer }) => {
    await service?.clear(viewer.userId, KINDS)
    return {}
  })

  app.post(
    '/api/v1/notifications/:id/dismiss',
    { config: writing, schema: { params } },
    async ({ params, viewer }) => {
      if (!(await service?.dismissCause(idIn(params), viewer.userId))) throw new NotFound()
      return {}
    },
  )
}

export default notifications
