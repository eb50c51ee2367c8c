import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, NoContent, problems } from 'birdhouse/schemas'
import { openLists, ownLists } from './list-routes.ts'

const graph: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(relationships)
  await app.register(ownLists)
  await app.register(openLists)
}

const relationships: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const relationship = { tags: ['graph'], security: BearerAuth, params: IdParams }
  const create = { ...relationship, response: { 204: NoContent, ...problems(401, 403, 404) } }
  const remove = {
    ...relationship,
    description: 'Idempotent.',
    response: { 204: NoContent, ...problems(401) },
  }

  app.put(
    '/users/:id/follow',
    {
      schema: {
        ...create,
        operationId: 'followUser',
        summary: 'Follow a user',
        description: 'Their tweets appear on your timeline. Idempotent.',
      },
    },
    async ({ viewer, params }, reply) => {
      await app.graph.follow(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/users/:id/follow',
    { schema: { ...remove, operationId: 'unfollowUser', summary: 'Unfollow a user' } },
    async ({ viewer, params }, reply) => {
      await app.graph.unfollow(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/users/:id/block',
    {
      schema: {
        ...create,
        operationId: 'blockUser',
        summary: 'Block a user',
        description:
          'From then on neither of you follows the other or sees tweets of the other. Your profile is answered with 404 when this user is signed in; you still see theirs. Idempotent.',
      },
    },
    async ({ viewer, params }, reply) => {
      await app.graph.block(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/users/:id/block',
    { schema: { ...remove, operationId: 'unblockUser', summary: 'Unblock a user' } },
    async ({ viewer, params }, reply) => {
      await app.graph.unblock(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/users/:id/mute',
    {
      schema: {
        ...create,
        operationId: 'muteUser',
        summary: 'Mute a user',
        description:
          'Hides the user in your timeline, live stream, notifications and mentions; other lists and the profile still show the user. Idempotent.',
      },
    },
    async ({ viewer, params }, reply) => {
      await app.graph.mute(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/users/:id/mute',
    { schema: { ...remove, operationId: 'unmuteUser', summary: 'Unmute a user' } },
    async ({ viewer, params }, reply) => {
      await app.graph.unmute(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )
}

export default graph
