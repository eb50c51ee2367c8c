import type { FastifyPluginAsyncTypebox, FastifyRequest, RouteOptions } from 'birdhouse'
import { BODY_LIMITS } from 'birdhouse/schemas'
import { keepFlatErrors } from './errors.ts'
import pictures from './pictures.ts'
import * as schemas from './schemas.ts'
import signedIn from './signed-in.ts'
import { readViewId } from './view-body.ts'

/** Seconds, equal to the lifetime of the original API's tokens. */
const TOKEN_LIFE = 24 * 60 * 60

const TOKEN = [{ flatToken: [] }]

/** The original API has no version prefix. */
export const prefixOverride = ''

const flat: FastifyPluginAsyncTypebox = async (app) => {
  keepFlatErrors(app)
  app.addHook('onRoute', openToAnyOrigin)
  app.addHook('onRequest', async (request) => acceptBareToken(request))

  await app.register(open)
  await app.register(signedIn)
  await app.register(pictures)
}

function openToAnyOrigin(route: RouteOptions) {
  route.config = { ...route.config, anyOrigin: true }
}

/** Clients of the original API send the token without the word Bearer. */
function acceptBareToken({ headers }: FastifyRequest) {
  if (headers.authorization && !/^Bearer /i.test(headers.authorization)) {
    headers.authorization = `Bearer ${headers.authorization}`
  }
}

const open: FastifyPluginAsyncTypebox = async (app) => {
  const flatSchema = (operationId: string, summary: string) => ({
    tags: ['flat'],
    operationId,
    summary,
    security: [],
  })

  app.get(
    '/ping',
    {
      schema: {
        ...flatSchema('flatPing', 'Ping'),
        response: { 200: schemas.Pong, ...schemas.failures() },
      },
    },
    async (_request, reply) => reply.type('text/plain').send('some some pong'),
  )

  app.post(
    '/sign-up',
    {
      bodyLimit: BODY_LIMITS.signUp,
      config: { limit: 'sign-up' },
      schema: {
        ...flatSchema('flatSignUp', 'Create an account'),
        body: schemas.SignUp,
        description:
          'The account may have to be approved before its first login; `invitation` is the code of an invitation, where the instance asks for one.',
        response: { 200: schemas.Account, ...schemas.failures(403, 409, 422) },
      },
    },
    async ({ body, clientAddress }) => {
      const { name, email, password, profile, invitation, acceptedTerms } = body
      const input = { name, email, password, profile, invitation, acceptedTerms }
      const { id, isWaiting } = await app.auth.register(input, clientAddress, { anyPassword: true })
      return account(isWaiting ? { id, name, profile, email } : await app.users.getOwn(id))
    },
  )

  app.post(
    '/login',
    {
      bodyLimit: BODY_LIMITS.credentials,
      config: { limit: 'login' },
      schema: {
        ...flatSchema('flatLogin', 'Log in for 24 hours'),
        body: schemas.Login,
        response: { 200: schemas.LoggedIn, ...schemas.failures(401, 403) },
      },
    },
    async (request) => {
      const { body, clientAddress: ip } = request
      const client = { ip, userAgent: request.headers['user-agent'] ?? '' }
      const { userId, accessToken } = await app.auth.loginFor(TOKEN_LIFE, body, client)
      return { user_id: userId, access_token: accessToken }
    },
  )

  app.get(
    '/view-data',
    {
      onRequest: app.identify,
      schema: {
        ...flatSchema('flatViewData', 'Get an account'),
        description: 'Send the id as `?id=1` or as the JSON body `{"id": 1}`.',
        security: [{}, ...TOKEN],
        querystring: schemas.ViewQuery,
        response: { 200: schemas.Account, ...schemas.failures(401, 404, 408, 413, 415) },
      },
    },
    async (request) => {
      const id = request.query.id ?? (await readViewId(app, request))
      const { viewerId } = request
      return account(
        viewerId === id ? await app.users.getOwn(id) : await app.users.get(id, viewerId),
      )
    },
  )
}

type User = { id: number; name: string; profile: string; email?: string }

const account = ({ id, name, profile, email = '' }: User) => ({
  id,
  name,
  email: email || null,
  profile,
})

export default flat
