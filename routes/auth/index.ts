import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { BearerAuth, IdParams, NoContent, problems } from '../../plugins/schemas.ts'
import { Login, Refresh, Sessions, SignedIn, SignUp, Tokens } from './schemas.ts'

const clientOf = (request: FastifyRequest) => ({
  ip: request.clientAddress,
  userAgent: request.headers['user-agent'] ?? '',
})

const auth: FastifyPluginAsyncTypebox = async (app) => {
  // RFC 6749, section 5.1: tokens are not for caches.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })

  app.post(
    '/auth/sign-up',
    {
      schema: {
        tags: ['auth'],
        operationId: 'signUp',
        summary: 'Create an account and sign in',
        security: [],
        body: SignUp,
        response: { 201: SignedIn, ...problems(409) },
      },
    },
    async (request, reply) => {
      const signedIn = await app.auth.signUp(request.body, clientOf(request))
      return reply.code(201).header('location', `/v1/users/${signedIn.user.id}`).send(signedIn)
    },
  )

  app.post(
    '/auth/login',
    {
      schema: {
        tags: ['auth'],
        operationId: 'login',
        summary: 'Sign in',
        description: 'An unknown address and a wrong password get the same answer.',
        security: [],
        body: Login,
        response: { 200: SignedIn, ...problems(401) },
      },
    },
    async (request) => app.auth.login(request.body, clientOf(request)),
  )

  app.post(
    '/auth/refresh',
    {
      schema: {
        tags: ['auth'],
        operationId: 'refresh',
        summary: 'Spend a refresh token for new tokens',
        security: [],
        body: Refresh,
        response: { 200: Tokens, ...problems(401) },
      },
    },
    async ({ body }) => app.auth.sessions.refresh(body.refreshToken),
  )

  await app.register(ownSessions)
}

const ownSessions: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/auth/logout',
    {
      schema: {
        tags: ['auth'],
        operationId: 'logout',
        summary: 'End this session',
        security: BearerAuth,
        response: { 204: NoContent, ...problems(401, 404) },
      },
    },
    async ({ viewer }, reply) => {
      await app.auth.sessions.revoke(viewer.userId, viewer.sessionId)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/auth/sessions',
    {
      schema: {
        tags: ['auth'],
        operationId: 'listSessions',
        summary: 'Your sessions, latest first',
        security: BearerAuth,
        response: { 200: Sessions, ...problems(401) },
      },
    },
    async ({ viewer }) => ({
      items: await app.auth.sessions.list(viewer.userId, viewer.sessionId),
    }),
  )

  app.delete(
    '/auth/sessions/:id',
    {
      schema: {
        tags: ['auth'],
        operationId: 'revokeSession',
        summary: 'End one of your sessions',
        security: BearerAuth,
        params: IdParams,
        response: { 204: NoContent, ...problems(401, 404) },
      },
    },
    async ({ viewer, params }, reply) => {
      await app.auth.sessions.revoke(viewer.userId, params.id)
      return reply.code(204).send(null)
    },
  )
}

export default auth
