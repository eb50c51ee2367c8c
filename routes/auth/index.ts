import type { FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import {
  BearerAuth,
  BODY_LIMITS,
  IdParams,
  NoContent,
  PageQuery,
  problems,
  SignUp,
} from 'birdhouse/schemas'
import { ownPasskeys, passkeyLogin } from './passkeys/routes.ts'
import {
  Login,
  PasswordChange,
  Refresh,
  SessionPage,
  SignedIn,
  Tokens,
  Waiting,
} from './schemas.ts'
import secondFactor from './second-factor-routes.ts'

const clientOf = (request: FastifyRequest) => ({
  ip: request.clientAddress,
  userAgent: request.headers['user-agent'] ?? '',
})

const auth: FastifyPluginAsyncTypebox = async (app) => {
  const anyone = { tags: ['auth'], security: [] }

  // RFC 6749, section 5.1: responses that contain tokens must not be cached.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })

  app.post(
    '/auth/sign-up',
    {
      bodyLimit: BODY_LIMITS.signUp,
      config: { limit: 'sign-up' },
      schema: {
        ...anyone,
        operationId: 'signUp',
        summary: 'Create an account and sign in',
        description:
          'Without `handle`, the handle is derived from the name. A password that is common, or little more than the name, handle, e-mail address or birdhouse, is refused. An instance may ask for an invitation, or answer 202, because a moderator must approve the account first; a mail tells the outcome.',
        body: SignUp,
        response: { 201: SignedIn, 202: Waiting, ...problems(403, 409, 422) },
      },
    },
    async (request, reply) => {
      const signedIn = await app.auth.signUp(request.body, clientOf(request))
      if (signedIn.state) return reply.code(202).send(signedIn)
      return reply.code(201).header('location', `/v1/users/${signedIn.user.id}`).send(signedIn)
    },
  )

  app.post(
    '/auth/login',
    {
      bodyLimit: BODY_LIMITS.credentials,
      config: { limit: 'login' },
      schema: {
        ...anyone,
        operationId: 'login',
        summary: 'Sign in',
        description:
          'The answer to an unknown e-mail address and to a wrong password is the same. A suspended account is refused with 403 `ACCOUNT_SUSPENDED`, which says why and how to appeal, an account that waits for its approval with 403 `SIGN_UP_WAITING`. With a second factor, a right password without `code` or `passkey` is refused with 401 `SECOND_FACTOR_REQUIRED`.',
        body: Login,
        response: { 200: SignedIn, ...problems(401, 403) },
      },
    },
    async (request) => app.auth.login(request.body, clientOf(request)),
  )

  app.post(
    '/auth/refresh',
    {
      bodyLimit: BODY_LIMITS.credentials,
      config: { limit: 'refresh' },
      schema: {
        ...anyone,
        operationId: 'refresh',
        summary: 'Exchange a refresh token for new tokens',
        body: Refresh,
        response: { 200: Tokens, ...problems(401) },
      },
    },
    async ({ body }) => app.auth.sessions.refresh(body.refreshToken),
  )

  await app.register(ownSessions)
  await app.register(secondFactor)
  await app.register(passkeyLogin)
  await app.register(ownPasskeys)
}

const ownSessions: FastifyPluginAsyncTypebox = async (app) => {
  const signedIn = { tags: ['auth'], security: BearerAuth }
  app.addHook('onRequest', app.authenticate)

  app.post(
    '/auth/logout',
    {
      schema: {
        ...signedIn,
        operationId: 'logout',
        summary: 'End this session',
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
        ...signedIn,
        operationId: 'listSessions',
        summary: 'List your sessions, newest first',
        querystring: PageQuery,
        response: { 200: SessionPage, ...problems(401) },
      },
    },
    async ({ viewer, query }, reply) =>
      reply.sendPage(await app.auth.sessions.list(viewer.userId, viewer.sessionId, query)),
  )

  app.delete(
    '/auth/sessions',
    {
      schema: {
        ...signedIn,
        operationId: 'revokeOtherSessions',
        summary: 'End all your other sessions',
        description: 'The session that makes this request stays.',
        response: { 204: NoContent, ...problems(401) },
      },
    },
    async ({ viewer }, reply) => {
      await app.auth.sessions.revokeOthers(viewer.userId, viewer.sessionId)
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/users/me/password',
    {
      bodyLimit: BODY_LIMITS.credentials,
      schema: {
        ...signedIn,
        operationId: 'changePassword',
        summary: 'Change your password',
        description:
          'Requires your current password, and `code` or `passkey` where your second factor is on. All your other sessions end at once, with their refresh tokens; this one stays. The rules for the new password are those of the sign-up.',
        body: PasswordChange,
        response: { 204: NoContent, ...problems(401, 403, 404) },
      },
    },
    async ({ viewer, body, clientAddress }, reply) => {
      await app.auth.changePassword(viewer, body, clientAddress)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/auth/sessions/:id',
    {
      schema: {
        ...signedIn,
        operationId: 'revokeSession',
        summary: 'End one of your sessions',
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
