import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import {
  BearerAuth,
  BODY_LIMITS,
  IdParams,
  NoContent,
  OptionalAuth,
  problems,
  ref,
} from 'birdhouse/schemas'
import { AccountDeletion, HandleParams, UserChanges } from './schemas.ts'

const users: FastifyPluginAsyncTypebox = async (app) => {
  await app.register(own)
  await app.register(open)
}

const own: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['users'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/users/me',
    {
      schema: {
        ...signedIn,
        operationId: 'getOwnUser',
        summary: 'Get your own account',
        response: { 200: ref('OwnUser'), ...problems(401, 404) },
      },
    },
    async ({ viewer }) => app.users.getOwn(viewer.userId),
  )

  app.patch(
    '/users/me',
    {
      schema: {
        ...signedIn,
        operationId: 'updateOwnUser',
        summary: 'Change your name, profile or handle',
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
      bodyLimit: BODY_LIMITS.credentials,
      schema: {
        ...signedIn,
        operationId: 'deleteOwnUser',
        summary: 'Delete your account',
        description:
          'Requires your password, and `code` or `passkey` where your second factor is on. The account becomes invisible and all its sessions end at once; a job erases its data soon after.',
        body: AccountDeletion,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, body, clientAddress }, reply) => {
      await app.auth.closeAccount(viewer.userId, body, clientAddress)
      return reply.code(204).send(null)
    },
  )
}

const open: FastifyPluginAsyncTypebox = async (app) => {
  const anyone = { tags: ['users'], security: OptionalAuth }
  app.addHook('onRequest', app.identify)

  app.get(
    '/users/:id',
    {
      schema: {
        ...anyone,
        operationId: 'getUser',
        summary: 'Get a user by id',
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
        ...anyone,
        operationId: 'getUserByHandle',
        summary: 'Get a user by handle',
        params: HandleParams,
        response: { 200: ref('User'), ...problems(401, 404) },
      },
    },
    async ({ params, viewerId }) => app.users.getByHandle(params.handle, viewerId),
  )
}

export default users
