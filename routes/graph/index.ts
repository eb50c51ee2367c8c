import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { PageQuery } from '../../plugins/pagination.ts'
import { BearerAuth, IdParams, NoContent, OptionalAuth, problems } from '../../plugins/schemas.ts'
import { UserPage } from './schemas.ts'

const graph: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(relations)
  await app.register(ownLists)
  await app.register(openLists)
}

/** Follow, block and mute are the same two calls over different methods. */
const relations: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)
  const { follow, unfollow, block, unblock, mute, unmute } = app.graph

  const kinds = [
    {
      name: 'follow',
      set: follow,
      unset: unfollow,
      effect: 'Their tweets come into your timeline.',
    },
    {
      name: 'block',
      set: block,
      unset: unblock,
      effect: 'Neither of you sees or follows the other any more.',
    },
    {
      name: 'mute',
      set: mute,
      unset: unmute,
      effect:
        'They are missing from your timeline, live stream, notifications and mentions; other lists and their profile still show them.',
    },
  ]
  for (const { name, set, unset, effect } of kinds) {
    const schema = {
      tags: ['graph'],
      description: `${effect} Doing it twice is doing it once.`,
      security: BearerAuth,
      params: IdParams,
    }
    app.put(
      `/users/:id/${name}`,
      {
        schema: {
          ...schema,
          operationId: `${name}User`,
          summary: `${name[0]?.toUpperCase()}${name.slice(1)} someone`,
          response: { 204: NoContent, ...problems(401, 403, 404) },
        },
      },
      async ({ viewer, params }, reply) => {
        await set(viewer.userId, params.id)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      `/users/:id/${name}`,
      {
        schema: {
          ...schema,
          operationId: `un${name}User`,
          summary: `Un${name} someone`,
          description: 'Doing it twice is doing it once.',
          response: { 204: NoContent, ...problems(401) },
        },
      },
      async ({ viewer, params }, reply) => {
        await unset(viewer.userId, params.id)
        return reply.code(204).send(null)
      },
    )
  }
}

const ownLists: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  const lists = [
    {
      path: 'blocks',
      operationId: 'listBlocks',
      summary: 'Whom you block',
      read: app.graph.blocked,
    },
    { path: 'mutes', operationId: 'listMutes', summary: 'Whom you mute', read: app.graph.muted },
  ]
  for (const { path, operationId, summary, read } of lists) {
    app.get(
      `/users/me/${path}`,
      {
        schema: {
          tags: ['graph'],
          operationId,
          summary,
          security: BearerAuth,
          querystring: PageQuery,
          response: { 200: UserPage, ...problems(401) },
        },
      },
      async ({ viewer, query }, reply) => reply.sendPage(await read(viewer.userId, query)),
    )
  }
}

const openLists: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  const { followers, followees } = app.graph
  const lists = [
    {
      path: 'followers',
      operationId: 'listFollowers',
      summary: 'Who follows them',
      read: followers,
    },
    {
      path: 'following',
      operationId: 'listFollowing',
      summary: 'Whom they follow',
      read: followees,
    },
  ]
  for (const { path, operationId, summary, read } of lists) {
    app.get(
      `/users/:id/${path}`,
      {
        schema: {
          tags: ['graph'],
          operationId,
          summary,
          security: OptionalAuth,
          params: IdParams,
          querystring: PageQuery,
          response: { 200: UserPage, ...problems(401, 404) },
        },
      },
      async ({ params, query, viewerId }, reply) => {
        await app.users.assertExist(app.db, [params.id])
        return reply.sendPage(await read(params.id, query, viewerId))
      },
    )
  }
}

export default graph
