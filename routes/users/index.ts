import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  BearerAuth,
  IdParams,
  NoContent,
  OptionalAuth,
  problems,
  ref,
} from '../../plugins/schemas.ts'
import { AccountDeletion, HandleParams, UserChanges } from './schemas.ts'

const users: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(own)
  await app.register(open)
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/users/me',
    {
      schema: {
        tags: ['users'],
        operationId: 'getOwnUser',
        summary: 'Your own account',
        security: BearerAuth,
        response: { 200: ref('OwnUser'), ...problems(401, 404) },
      },
    },
    async ({ viewer }) => app.users.getOwn(viewer.userId),
  )

  app.patch(
    '/users/me',
    {
      schema: {
        tags: ['users'],
        operationId: 'updateOwnUser',
        summary: 'Change your name, profile or handle',
        security: BearerAuth,
        body: UserChanges,
        response: { 200: ref('OwnUser'), ...problems(401, 404, 409) },
      },
    },
    async ({ viewer, body }) => {
      await app.users.update(viewer.userId, body)
      return app.users.getOwn(viewer.userId)
    },
  )

  app.delete(
    '/users/me',
    {
      schema: {
        tags: ['users'],
        operationId: 'deleteOwnUser',
        summary: 'Delete your account',
        description:
          'Asks for the password. The account is invisible and every session ended at once; all that belongs to it is erased soon after.',
        security: BearerAuth,
        body: AccountDeletion,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, body }, reply) => {
      await app.auth.closeAccount(viewer.userId, body.password)
      return reply.code(204).send(null)
    },
  )
}

const open: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.identify)

  app.get(
    '/users/:id',
    {
      schema: {
        tags: ['users'],
        operationId: 'getUser',
        summary: 'A user',
        security: OptionalAuth,
        params: IdParams,
        response: { 200: ref('User'), ...problems(401, 404) },
      },
    },
    async ({ params, viewerId }) => app.users.get(params.id, viewerId),
  )

  app.get(
    '/users/by-handle/:handle',
    {
      schema: {
        tags: ['users'],
        operationId: 'getUserByHandle',
        summary: 'A user by handle',
        security: OptionalAuth,
        params: HandleParams,
        response: { 200: ref('User'), ...problems(401, 404) },
      },
    },
    async ({ params, viewerId }) => app.users.getByHandle(params.handle, viewerId),
  )
}

export default users
