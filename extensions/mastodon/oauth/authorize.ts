import type { FastifyError, FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { type Static, Type } from 'typebox'
import { bindingTo } from './codes.ts'
import { isAllowed } from './model.ts'
import { codePage, consentPage, refusalPage } from './pages.ts'
import { OUT_OF_BAND, sourceOf, withParameters } from './redirects.ts'
import { DEFAULT_SCOPES, scopesOf } from './scopes.ts'

const PATH = '/oauth/authorize'
const text = Type.Optional(Type.String({ maxLength: 4000 }))
const Parameters = Type.Object({
  client_id: text,
  redirect_uri: text,
  response_type: text,
  scope: text,
  state: text,
  code_challenge: text,
  code_challenge_method: text,
  force_login: text,
  /** `deny` in a link of the page of signing in. */
  decision: text,
})
type Parameters = Static<typeof Parameters>

const Form = Type.Object({ token: text, consent: text, state: text, decision: text })

const pathWith = ({ force_login: _, ...asked }: Parameters) =>
  `${PATH}?${new URLSearchParams(asked)}`

/** The pages on which a person who is signed in allows an app to use the account. */
const authorize: FastifyPluginAsyncTypebox = async (app) => {
  const { apps, codes } = app.mastodon
  const { explainSignIn, forms, identify, send, signInPath } = app.web
  app.addHook('onRequest', identify)
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { status, detail } = app.errors.report(error, request, reply)
    return showRefusal(reply.code(status), detail)
  })

  explainSignIn(PATH, async (query) => {
    const client = await apps.find(query.get('client_id') ?? '')
    if (!client) return undefined
    const sentence = `${client.name} asks to use your account.`
    return { sentence, cancel: `${PATH}?${query}&decision=deny` }
  })

  app.get(PATH, { schema: { querystring: Parameters } }, async (request, reply) => {
    const { query, viewerId } = request
    const asked = await readRequest(query, reply)
    if (!asked) return reply
    if (query.decision === 'deny') return deny(reply, asked.grant.redirectUri, query.state)
    const again = /^(1|true)$/i.test(query.force_login ?? '')
    if (viewerId === undefined || again)
      return reply.redirect(signInPath(pathWith(query), { again }), 303)
    return askForConsent(reply, viewerId, query, asked)
  })

  app.post(PATH, { schema: { body: Form } }, async ({ body }, reply) => decide(reply, body))

  /** Answers a request that is wrong; only an address of the app is redirected to. */
  async function readRequest(asked: Parameters, reply: FastifyReply) {
    const client = asked.client_id ? await apps.find(asked.client_id) : undefined
    if (!client) return void (await refuse(reply, 'No app with this client_id is registered here.'))
    const redirectUri = asked.redirect_uri ?? client.redirectUris[0] ?? ''
    if (!client.redirectUris.includes(redirectUri))
      return void (await refuse(reply, 'The app has not registered this redirect_uri.'))
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
    if (error) return void (await giveBack(reply, redirectUri, { error, state: asked.state }))
    const grant = { appId: client.id, redirectUri, scopes: scopes.join(' ') }
    return { client, grant: { ...grant, challenge: challenge || null } }
  }

  type Asked = NonNullable<Awaited<ReturnType<typeof readRequest>>>

  async function askForConsent(
    reply: FastifyReply,
    userId: number,
    query: Parameters,
    { client, grant }: Asked,
  ) {
    const account = await app.users.credentials({ id: userId })
    // The session is checked after the password is read, so that a change of the password between both is noticed.
    await app.auth.assertSession(reply.request.viewer)
    const binding = account ? bindingTo(account) : null
    const { handle } = await app.users.getOwn(userId)
    const consent = await codes.issue({ ...grant, userId, binding }, true)
    const { redirectUri } = grant
    const main = consentPage({
      appName: client.name,
      handle,
      redirectUri,
      scopes: grant.scopes.split(' '),
      otherAccount: signInPath(pathWith(query), { again: true }),
      token: forms.field(reply),
      fields: { consent, state: query.state },
    })
    // Browsers apply the policy of a form to the redirect after it.
    return send(reply, { title: 'Allow this app?', main, formTarget: sourceOf(redirectUri) })
  }

  async function decide(
    reply: FastifyReply,
    { consent = '', decision, state, token }: Static<typeof Form>,
  ) {
    const { request } = reply
    const asked = await codes.find(consent, true)
    if (!asked || asked.userId !== request.viewerId)
      return refuse(reply, 'This page has expired. Start again in the app.')
    try {
      forms.assertOwn(request, token)
    } catch {
      const sentence = 'This page is too old, or your browser refuses its cookie.'
      return showRefusal(reply.code(403), sentence, await pathOf(asked, state))
    }
    if (!(await codes.spend(consent)))
      return refuse(reply, 'This page was used already. Start again in the app.')
    const { appId, userId, redirectUri, scopes, challenge, binding } = asked
    if (decision !== 'allow') return deny(reply, redirectUri, state)
    const grant = { appId, userId, redirectUri, scopes, challenge, binding }
    const code = await codes.issue(grant, false)
    if (redirectUri === OUT_OF_BAND)
      return send(reply, { title: 'Your code', main: codePage(code) })
    return giveBack(reply, redirectUri, { code, state })
  }

  const refuse = (reply: FastifyReply, sentence: string) => showRefusal(reply.code(400), sentence)

  const showRefusal = (reply: FastifyReply, sentence: string, again?: string) =>
    send(reply, { title: 'The app cannot sign in', main: refusalPage(sentence, again) })

  type Grant = NonNullable<Awaited<ReturnType<typeof codes.find>>>

  /** The path of the request that led to a page of consent. */
  async function pathOf({ appId, redirectUri, scopes, challenge }: Grant, state?: string) {
    const client = await apps.byId(appId)
    const asked = { redirect_uri: redirectUri, response_type: 'code', scope: scopes }
    const proof = challenge && { code_challenge: challenge, code_challenge_method: 'S256' }
    return pathWith({
      client_id: client?.clientId ?? '',
      ...asked,
      ...(state && { state }),
      ...proof,
    })
  }

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
    if (redirectUri === OUT_OF_BAND) return showRefusal(reply, `${parameters.error}`)
    return reply.redirect(withParameters(redirectUri, parameters), 303)
  }
}

export default authorize
