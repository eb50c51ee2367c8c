import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { BearerAuth, IdParams, OptionalAuth, PageQuery, problems } from 'birdhouse/schemas'
import { UserPage } from './schemas.ts'

export const ownLists: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const ownList = {
    tags: ['graph'],
    security: BearerAuth,
    querystring: PageQuery,
    response: { 200: UserPage, ...problems(401) },
  }

  app.get(
    '/users/me/blocks',
    { schema: { ...ownList, operationId: 'listBlocks', summary: 'List the users you block' } },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.graph.blocked(viewer.userId, query)),
  )

  app.get(
    '/users/me/mutes',
    { schema: { ...ownList, operationId: 'listMutes', summary: 'List the users you mute' } },
    async ({ viewer, query }, reply) => reply.sendPage(await app.graph.muted(viewer.userId, query)),
  )
}

export const openLists: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  const openList = {
    tags: ['graph'],
    security: OptionalAuth,
    params: IdParams,
    querystring: PageQuery,
    response: { 200: UserPage, ...problems(401, 404) },
  }

  app.get(
    '/users/:id/followers',
    {
      schema: {
        ...openList,
        operationId: 'listFollowers',
        summary: 'List the followers of a user',
      },
    },
    async ({ params, query, viewerId }, reply) => {
      await app.users.assertExist(app.db, [params.id])
      return reply.sendPage(await app.graph.followers(params.id, query, viewerId))
    },
  )

  app.get(
    '/users/:id/following',
    {
      schema: {
        ...openList,
        operationId: 'listFollowing',
        summary: 'List the users that a user follows',
      },
    },
    async ({ params, query, viewerId }, reply) => {
      await app.users.assertExist(app.db, [params.id])
      return reply.sendPage(await app.graph.followees(params.id, query, viewerId))
    },
  )
}
