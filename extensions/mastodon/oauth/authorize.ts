import type {
  FastifyInstance,
  FastifyPluginAsyncTypebox,
  FastifyReply,
  FastifyRequest,
} from 'birdhouse'
import { type Static, Type } from 'typebox'
import type { App } from './apps.ts'
import { bindingTo, type Grant } from './codes.ts'
import { isAllowed } from './model.ts'
import { codePage, consentForm, sendPage, sentence, signInForm } from './pages.ts'
import { OUT_OF_BAND, withParameters } from './redirects.ts'
import { DEFAULT_SCOPES, scopesOf } from './scopes.ts'

const text = Type.Optional(Type.String({ maxLength: 4000 }))
const Parameters = Type.Object({
  client_id: text,
  redirect_uri: text,
  response_type: text,
  scope: text,
  state: text,
  code_challenge: text,
  code_challenge_method: text,
})
type Parameters = Static<typeof Parameters>

const Form = Type.Object({
  ...Parameters.properties,
  email: text,
  password: text,
  code: text,
  consent: text,
  decision: text,
})

/** The pages on which a person allows an app to use the account. No cookie is set, so no page of others can act. */
const authorize: FastifyPluginAsyncTypebox = async (app) => {
  const { apps, codes } = app.mastodon

  app.get('/oauth/authorize', { schema: { querystring: Parameters } }, async ({ query }, reply) => {
    const asked = await readRequest(query, reply)
    return asked && showSignIn(reply, asked.client, query)
  })

  app.post(
    '/oauth/authorize',
    { config: { limit: 'login' }, schema: { body: Form } },
    async (request, reply) => {
      const { body } = request
      if (body.consent !== undefined) return decide(body.consent, body, reply)
      const asked = await readRequest(body, reply)
      if (!asked) return reply
      if (body.decision === 'deny') return deny(reply, asked.grant.redirectUri, body.state)
      return signIn(app, request, reply, asked, body)
    },
  )

  /** Answers a request that is wrong; only an address of the app is redirected to. */
  async function readRequest(asked: Parameters, reply: FastifyReply) {
    const client = asked.client_id ? await apps.find(asked.client_id) : undefined
    if (!client) return void refuse(reply, 'No app with this client_id is registered here.')
    const redirectUri = asked.redirect_uri ?? client.redirectUris[0] ?? ''
    if (!client.redirectUris.includes(redirectUri))
      return void refuse(reply, 'The app has not registered this redirect_uri.')
    const scopes = scopesOf(asked.scope || DEFAULT_SCOPES)
    const { code_challenge: challenge, code_challenge_method: method } = asked
    const error =
      asked.response_type !== 'code'
        ? 'unsupported_response_type'
        : !isAllowed(client, scopes)
          ? 'invalid_scope'
          : challenge && (method !== 'S256' || !/^[\w-]{43}$/.test(challenge))
            ? 'invalid_request'
            : undefined
    if (error) return void giveBack(reply, redirectUri, { error, state: asked.state })
    const grant = { appId: client.id, redirectUri, scopes: scopes.join(' ') }
    return { client, grant: { ...grant, challenge: challenge || null } }
  }

  async function decide(
    consent: string,
    { decision, state }: Static<typeof Form>,
    reply: FastifyReply,
  ) {
    const asked = await codes.find(consent, true)
    if (!asked || !(await codes.spend(consent)))
      return refuse(reply, 'This page has expired. Start again in the app.')
    const { appId, userId, redirectUri, scopes, challenge, binding } = asked
    if (decision !== 'allow') return deny(reply, redirectUri, state)
    const grant = { appId, userId, redirectUri, scopes, challenge, binding }
    const code = await codes.issue(grant, false)
    if (redirectUri === OUT_OF_BAND) return sendPage(reply, 'Your code', codePage(code))
    return giveBack(reply, redirectUri, { code, state })
  }
}

const refuse = (reply: FastifyReply, problem: string) =>
  sendPage(reply.code(400), 'The app cannot sign in', sentence(problem))

const deny = (reply: FastifyReply, redirectUri: string, state: string | undefined) =>
  giveBack(reply, redirectUri, {
    error: 'access_denied',
    error_description: 'The person denied the request.',
    state,
  })

function giveBack(
  reply: FastifyReply,
  redirectUri: string,
  parameters: Record<string, string | undefined>,
) {
  if (redirectUri === OUT_OF_BAND)
    return sendPage(reply, 'The app cannot sign in', sentence(`${parameters.error}`))
  return reply.redirect(withParameters(redirectUri, parameters), 303)
}

function showSignIn(
  reply: FastifyReply,
  client: App,
  asked: Parameters,
  more: { email?: string | undefined; problem?: string } = {},
) {
  const names = Object.keys(Parameters.properties) as (keyof Parameters)[]
  const fields = Object.fromEntries(names.map((name) => [name, asked[name]]))
  const redirectUri = asked.redirect_uri ?? client.redirectUris[0]
  const form = signInForm({ appName: client.name, fields, ...more })
  return sendPage(reply, 'Sign in', form, redirectUri)
}

type Asked = { client: App; grant: Omit<Grant, 'userId' | 'binding'> }

/** Shows the page of consent after a right password, or the form again. */
async function signIn(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { client, grant }: Asked,
  { email = '', password = '', code, ...asked }: Static<typeof Form>,
) {
  try {
    const address = request.clientAddress
    const before = await app.users.credentials({ email })
    const userId = await app.auth.checkCredentials(email, password, address, code || undefined)
    const account = await app.users.credentials({ id: userId })
    // The check may have renewed the hash of the same password, and the password may have changed since.
    const isSame =
      before?.passwordHash === account?.passwordHash ||
      (await app.password.verify(password, account?.passwordHash))
    const binding = account && isSame ? bindingTo(account) : null
    const { handle } = await app.users.getOwn(userId)
    const consent = await app.mastodon.codes.issue({ ...grant, userId, binding }, true)
    const { redirectUri } = grant
    const form = consentForm({
      appName: client.name,
      handle,
      redirectUri,
      scopes: grant.scopes.split(' '),
      fields: { consent, state: asked.state },
    })
    return sendPage(reply, 'Allow this app?', form, redirectUri)
  } catch (error) {
    const { status, detail } = app.errors.describe(error, request)
    if (status >= 500) throw error
    return showSignIn(reply.code(status), client, asked, { email, problem: detail })
  }
}

export default authorize
