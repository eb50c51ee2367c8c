import OAuth2Server from '@node-oauth/oauth2-server'
import type { FastifyInstance, FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { Type } from 'typebox'
import { originOf } from '../origin.ts'
import { createModel } from './model.ts'
import { OUT_OF_BAND, readRedirectUris } from './redirects.ts'
import { ALL_SCOPES, areKnown, DEFAULT_SCOPES, scopesOf } from './scopes.ts'

const GRANTS = ['authorization_code', 'client_credentials']
const text = Type.Optional(Type.String({ maxLength: 2000 }))

const Registration = Type.Object({
  client_name: text,
  website: text,
  scopes: text,
  redirect_uris: Type.Optional(
    Type.Union([
      Type.String({ maxLength: 20_000 }),
      Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 20 }),
    ]),
  ),
})

/** The requests that apps make without a page: a registration, a token, its end. */
const token: FastifyPluginAsyncTypebox = async (app) => {
  const { apps, tokens } = app.mastodon

  app.post(
    '/api/v1/apps',
    { config: { limit: 'sign-up' }, schema: { body: Registration, querystring: Registration } },
    async ({ body, query }) => {
      const sent = { ...query, ...body }
      const redirectUris = readRedirectUris(sent.redirect_uris ?? OUT_OF_BAND)
      const scopes = scopesOf(sent.scopes || DEFAULT_SCOPES)
      const name = app.cleanName(sent.client_name ?? '', { field: 'client_name', max: 100 })
      const website = readWebsite(sent.website)
      if (!redirectUris) throw app.errors.invalidField('redirect_uris', 'must be absolute URIs')
      if (!areKnown(scopes)) throw app.errors.invalidField('scopes', 'names an unknown scope')
      const { id, clientId, secret } = await apps.register({ name, website, redirectUris, scopes })
      return {
        ...shown({ id, name, website, scopes, redirectUris }),
        client_id: clientId,
        client_secret: secret,
        client_secret_expires_at: 0,
      }
    },
  )

  app.get('/api/v1/apps/verify_credentials', async (request) => {
    const { appId } = await tokens.ofRequest(request)
    const found = await apps.byId(appId)
    return found && shown(found)
  })

  app.post('/oauth/token', { config: { limit: 'refresh' } }, async (request, reply) => {
    const answer = new OAuth2Server.Response({})
    const server = new OAuth2Server({ model: createModel(app, request) })
    try {
      const { accessToken, scope = [] } = await server.token(toRequest(request), answer)
      return {
        access_token: accessToken,
        token_type: 'Bearer',
        scope: scope.join(' '),
        created_at: Math.floor(Date.now() / 1000),
      }
    } catch (error) {
      if (!(error instanceof OAuth2Server.OAuthError) || error.code >= 500) throw unwrap(error)
      reply.headers(answer.headers ?? {})
      return reply.code(error.code).send({ error: error.name, error_description: error.message })
    }
  })

  app.post('/oauth/revoke', async (request, reply) => {
    const { client_id: id, client_secret: secret, token: ended } = toRequest(request).body
    const owner = id && secret ? await apps.authenticate(id, secret) : undefined
    if (!owner)
      return reply.code(403).send({
        error: 'unauthorized_client',
        error_description: 'Send client_id and client_secret of the app that the token is for.',
      })
    await tokens.revoke(String(ended), owner.id)
    return {}
  })

  app.get('/.well-known/oauth-authorization-server', async (request) => metadata(app, request))
}

/** The library takes forms alone; clients send JSON and queries as well. */
function toRequest({ headers, body, query }: FastifyRequest) {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...Object(query), ...Object(body) }))
    if (typeof value === 'string') fields[name] = value
  const { authorization } = headers
  if (fields.scope) fields.scope = scopesOf(fields.scope).join(' ')
  return new OAuth2Server.Request({
    method: 'POST',
    query: {},
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '1',
      ...(authorization?.startsWith('Basic ') && { authorization }),
    },
    body: fields,
  })
}

/** The library hides the cause of an error that is not the app's in an error of its own. */
const unwrap = (error: unknown) =>
  Object(error).inner instanceof Error ? Object(error).inner : error

const readWebsite = (text = '') =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : null

type Shown = {
  id: number
  name: string
  website: string | null
  scopes: string[]
  redirectUris: string[]
}

const shown = ({ id, name, website, scopes, redirectUris }: Shown) => ({
  id: String(id),
  name,
  website,
  scopes,
  redirect_uri: redirectUris.join('\n'),
  redirect_uris: redirectUris,
  vapid_key: '',
})

function metadata(app: FastifyInstance, request: FastifyRequest) {
  const origin = originOf(app, request)
  return {
    issuer: `${origin}/`,
    service_documentation: `${origin}/docs`,
    authorization_endpoint: `${origin}/oauth/authorize`,
    token_endpoint: `${origin}/oauth/token`,
    revocation_endpoint: `${origin}/oauth/revoke`,
    app_registration_endpoint: `${origin}/api/v1/apps`,
    scopes_supported: ALL_SCOPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: GRANTS,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    revocation_endpoint_auth_methods_supported: ['client_secret_post'],
    code_challenge_methods_supported: ['S256'],
  }
}

export default token
