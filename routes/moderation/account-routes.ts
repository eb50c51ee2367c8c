import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems, ref } from 'birdhouse/schemas'
import { WithReason } from './schemas.ts'

export const accountRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const moderators = { tags: ['moderation'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)
  app.addHook('onRequest', app.moderation.requireRole('moderator'))

  app.get(
    '/admin/users/:id',
    {
      schema: {
        ...moderators,
        operationId: 'getModeratedAccount',
        summary: 'Get the role and the state of an account, suspended accounts included',
        params: IdParams,
        response: { 200: ref('ModeratedAccount'), ...problems(401, 403, 404) },
      },
    },
    async ({ params }) => app.moderation.account(params.id),
  )

  const acting = (operationId: string, summary: string, description: string) => ({
    ...moderators,
    operationId,
    summary,
    description: `${description} Requires the role moderator. A moderator cannot act on administrators, and nobody on the own account.`,
    params: IdParams,
    body: WithReason,
    response: { 204: NoContent, ...problems(401, 403, 404, 409) },
  })

  app.post(
    '/admin/users/:id/warn',
    {
      schema: acting('warnAccount', 'Warn an account', 'The owner is told the reason.'),
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.actOn('warn', { userId: params.id, ...body, actorId: viewer.userId })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/users/:id/limit',
    {
      schema: acting(
        'limitAccount',
        'Limit an account',
        'Its tweets are seen by its followers alone.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.actOn('limit', { userId: params.id, ...body, actorId: viewer.userId })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/users/:id/suspend',
    {
      schema: acting(
        'suspendAccount',
        'Suspend an account',
        'Nobody sees the account, its tweets and its likes; its sessions end, and it cannot log in.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.actOn('suspend', { userId: params.id, ...body, actorId: viewer.userId })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/users/:id/restore',
    {
      schema: acting(
        'restoreAccount',
        'End the limit or suspension of an account',
        'Everything is as before, except the sessions.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      await app.moderation.actOn('restore', { userId: params.id, ...body, actorId: viewer.userId })
      return reply.code(204).send(null)
    },
  )
}
