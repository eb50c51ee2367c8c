import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems } from 'birdhouse/schemas'
import { WithReason } from './schemas.ts'

export const removalRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)
  app.addHook('onRequest', app.moderation.requireRole('moderator'))

  const removing = (operationId: string, summary: string, description: string) => ({
    tags: ['moderation'],
    security: BearerAuth,
    operationId,
    summary,
    description,
    params: IdParams,
    body: WithReason,
    response: { 204: NoContent, ...problems(401, 403, 404) },
  })

  app.post(
    '/admin/tweets/:id/remove',
    {
      schema: removing(
        'removeTweetByModerator',
        'Remove a tweet',
        'The tweet is deleted as by its author. The owner is told the reason.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      const order = { id: params.id, ...body, actorId: viewer.userId }
      await app.moderation.remove('tweet', order)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/media/:id/remove',
    {
      schema: removing(
        'removePictureByModerator',
        'Remove a picture from its tweet',
        'A tweet without text whose only picture it is, is deleted. The owner is told the reason.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      const order = { id: params.id, ...body, actorId: viewer.userId }
      await app.moderation.remove('picture', order)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/users/:id/avatar/remove',
    {
      schema: removing(
        'removeAvatarByModerator',
        'Remove the profile picture of an account',
        'The owner is told the reason.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      const order = { id: params.id, ...body, actorId: viewer.userId }
      await app.moderation.remove('avatar', order)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/admin/users/:id/header/remove',
    {
      schema: removing(
        'removeHeaderByModerator',
        'Remove the header picture of an account',
        'The owner is told the reason.',
      ),
    },
    async ({ viewer, params, body }, reply) => {
      const order = { id: params.id, ...body, actorId: viewer.userId }
      await app.moderation.remove('header', order)
      return reply.code(204).send(null)
    },
  )
}
