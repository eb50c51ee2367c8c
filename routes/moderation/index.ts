import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, PageOf, problems, ref } from 'birdhouse/schemas'
import { accountRoutes } from './account-routes.ts'
import { ownRoutes, suspendedRoutes } from './own-routes.ts'
import { queueRoutes } from './queue-routes.ts'
import { removalRoutes } from './removal-routes.ts'
import { ActsQuery, RoleChange } from './schemas.ts'

const moderation: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(administration)
  for (const routes of [accountRoutes, queueRoutes, removalRoutes, ownRoutes, suspendedRoutes])
    await app.register(routes)
}

const administration: FastifyPluginAsyncTypebox = async (app) => {
  const admins = { tags: ['moderation'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)
  app.addHook('onRequest', app.moderation.requireRole('admin'))

  app.get(
    '/admin/acts',
    {
      schema: {
        ...admins,
        operationId: 'listModerationActs',
        summary: 'List the audit log, newest first',
        description: 'Requires the role admin.',
        querystring: ActsQuery,
        response: { 200: PageOf(ref('ModerationAct')), ...problems(401, 403) },
      },
    },
    async ({ query }, reply) => reply.sendPage(await app.moderation.acts(query, query)),
  )

  app.put(
    '/admin/users/:id/role',
    {
      schema: {
        ...admins,
        operationId: 'setRole',
        summary: 'Set the role of an account',
        description: 'Requires the role admin.',
        params: IdParams,
        body: RoleChange,
        response: { 204: NoContent, ...problems(401, 403, 404, 409) },
      },
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.setRole(params.id, body.role, viewer.userId, body.reason)
      return reply.code(204).send(null)
    },
  )
}

export default moderation
