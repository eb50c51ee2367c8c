import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { call as callCore, read, runJob, settings, setUp, signUp } from 'birdhouse/testing'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { listening, REDIRECT } from './client.ts'

const env = await settings(t)
const server = await listening(t, env as Record<string, string>)
const { app, url, visit, post, register, ask, signIn, allow, exchange, tokenOf, call } = server
const VERIFY = 'GET /api/v1/apps/verify_credentials'
const askAt = (fields: Record<string, string>) =>
  visit(`/oauth/authorize?${new URLSearchParams(fields)}`)
const codeIn = (back: URL) => back.searchParams.get('code') ?? ''

t.test('a person allows an app, and the app gets a token', async (t) => {
  const ann = await signUp(app, 'Ann')
  const client = await register()
  const first = await askAt(ask(client))
  t.equal(first.status, 303)
  const signInPage = await visit(first.headers.get('location') ?? '')
  t.match(await signInPage.text(), 'Test Client asks to use your account')
  t.match(await signIn(ann, ask(client)), { consent: /^[\w-]{43}$/ })
  const page = await askAt(ask(client))
  t.match(
    page.headers.get('content-security-policy'),
    /form-action 'self' https:\/\/client\.example;/,
  )
  t.match(page.headers.get('content-security-policy'), /frame-ancestors 'none'/)
  const back = await allow(ann, ask(client, { state: 'x y' }))
  t.equal(back.origin + back.pathname, REDIRECT)
  t.equal(back.searchParams.get('state'), 'x y')
  const token: any = await (await exchange(client, codeIn(back))).json()
  t.match(token, { token_type: 'Bearer', scope: 'read write follow', created_at: Number })
  t.match((await call(VERIFY, token.access_token)).body, { name: 'Test Client' })
  const [row] = await app.db.select().from(app.tables.mastodonTokens)
  t.notOk(JSON.stringify(row).includes(token.access_token), 'hashed at rest')
})

t.test('parameters may be JSON or in the query, and a client may be named by Basic', async (t) => {
  const body = { client_name: 'J', redirect_uris: ['com.example.app:/back'], scopes: 'read' }
  const json = await call('POST /api/v1/apps', undefined, body)
  t.match(json, { status: 200, body: { redirect_uris: ['com.example.app:/back'] } })
  const query = await fetch(`${url}/api/v1/apps?client_name=Q&redirect_uris=${REDIRECT}`, {
    method: 'POST',
  })
  t.equal(query.status, 200)
  const { client_id: id, client_secret: secret } = json.body
  const basic = Buffer.from(`${id}:${secret}`).toString('base64')
  const answer = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', extra: 'ignored' }),
  })
  t.match(await answer.json(), { scope: 'read', access_token: String })
  t.equal(answer.headers.get('access-control-allow-origin'), '*')
})

t.test('a code is valid once, and its second use ends the session', async (t) => {
  const ben = await signUp(app, 'Ben')
  const client = await register()
  const code = codeIn(await allow(ben, ask(client)))
  const token: any = await (await exchange(client, code)).json()
  t.equal((await call(VERIFY, token.access_token)).status, 200)
  const again = await exchange(client, code)
  t.match(await again.json(), { error: 'invalid_grant' })
  t.equal((await call(VERIFY, token.access_token)).status, 401)
})

t.test('a code is bound to its app and its address, and expires', async (t) => {
  const cho = await signUp(app, 'Cho')
  const [client, other] = [await register(), await register()]
  const codeFor = async () => codeIn(await allow(cho, ask(client)))
  t.equal((await exchange(other, await codeFor())).status, 400)
  const elsewhere = { redirect_uri: 'https://other.example/' }
  t.equal((await exchange(client, await codeFor(), elsewhere)).status, 400)
  t.equal((await exchange(client, await codeFor(), { client_secret: 'wrong' })).status, 400)
  const late = await codeFor()
  await app.db.update(app.tables.mastodonCodes).set({ expiresAt: new Date(0) })
  t.match(await (await exchange(client, late)).json(), { error: 'invalid_grant' })
})

t.test('PKCE: a code with a challenge needs the verifier', async (t) => {
  const dan = await signUp(app, 'Dan')
  const client = await register()
  const verifier = 'v'.repeat(50)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const codeFor = async () => codeIn(await allow(dan, ask(client, pkce)))
  t.equal((await exchange(client, await codeFor())).status, 400, 'missing')
  const wrong = { code_verifier: 'w'.repeat(50) }
  t.equal((await exchange(client, await codeFor(), wrong)).status, 400, 'wrong')
  const right = { code_verifier: verifier }
  t.equal((await exchange(client, await codeFor(), right)).status, 200, 'right')
  const plain = ask(client, { code_challenge: verifier, code_challenge_method: 'plain' })
  const refused = await askAt(plain)
  t.match(refused.headers.get('location'), /error=invalid_request/)
})

t.test('addresses that run script or are not registered are refused', async (t) => {
  for (const uri of [
    'javascript:alert(1)',
    'data:text/html,x',
    '/relative',
    'https://a.example;img-src/',
    'https://a.example/#x',
  ]) {
    const answer = await post('/api/v1/apps', { client_name: 'Bad', redirect_uris: uri })
    t.equal(answer.status, 400, uri)
    t.match(await answer.json(), { error: /redirect_uris/ })
  }
  const client = await register()
  const foreign = ask(client, { redirect_uri: 'https://evil.example/' })
  const page = await askAt(foreign)
  t.equal(page.status, 400)
  t.equal(page.headers.get('location'), null)
})

t.test('a name in a page is text', async (t) => {
  const client = await register({ client_name: '<script>alert(1)</script>' })
  const page = await askAt(ask(client))
  t.notMatch(await page.text(), '<script>')
  const sentence = await visit(
    `/sign-in?again=true&return_to=${encodeURIComponent(`/oauth/authorize?client_id=${client.client_id}`)}`,
  )
  t.match(await sentence.text(), '&#60;script&#62;alert(1)&#60;/script&#62; asks to use')
})

t.test('a person denies, and the app is told with its state', async (t) => {
  const eve = await signUp(app, 'Eve')
  const client = await register()
  const back = await allow(eve, ask(client, { state: 's' }), 'deny')
  t.equal(back.searchParams.get('error'), 'access_denied')
  t.equal(back.searchParams.get('state'), 's')
  const before = await askAt({ ...ask(client), decision: 'deny' })
  t.match(before.headers.get('location'), /error=access_denied/, 'also before signing in')
})

t.test('consent needs its own page, which is valid once', async (t) => {
  const fay = await signUp(app, 'Fay')
  const client = await register()
  const forged = await post('/oauth/authorize', { consent: 'x'.repeat(43), decision: 'allow' })
  t.equal(forged.status, 400)
  const consent = await signIn(fay, ask(client))
  t.match(consent, { consent: /^[\w-]{43}$/ })
  const decide = () => post('/oauth/authorize', { ...consent, decision: 'allow' })
  for (const token of [undefined, 'old', 'x'.repeat(5000)]) {
    const sent = { consent: consent.consent ?? '', state: 's', ...(token && { token }) }
    const foreign = await post('/oauth/authorize', sent)
    t.equal(foreign.status, token?.length === 5000 ? 400 : 403)
    t.match(foreign.headers.get('content-type'), 'text/html')
    const [, again = ''] = /class="button" href="([^"]+)"/.exec(await foreign.text()) ?? []
    if (foreign.status !== 403) continue
    const path = again.replaceAll('&#61;', '=').replaceAll('&#38;', '&')
    const request = await visit(path)
    t.match(await request.text(), 'Allow this app?', 'a link leads to the request')
    t.match(Object.fromEntries(new URL(path, url).searchParams), ask(client, { state: 's' }))
  }
  t.equal((await decide()).status, 303)
  t.equal((await decide()).status, 400)
  await signIn(await signUp(app, 'Flo'), ask(client))
  const ofFay = await post('/oauth/authorize', { ...consent, decision: 'allow' })
  t.equal(ofFay.status, 400, 'another account')
  t.equal((await exchange(client, consent.consent ?? '')).status, 400, 'consent is no code')
})

t.test('a person is asked to sign in again only where the app wants it', async (t) => {
  const gil = await signUp(app, 'Gil')
  const client = await register()
  await signIn(gil, ask(client))
  t.match(await (await askAt(ask(client))).text(), `You are signed in as <strong>@${gil.handle}`)
  const forced = await askAt(ask(client, { force_login: 'true' }))
  t.match(forced.headers.get('location'), /^\/sign-in\?/)
  const form = await (await visit(forced.headers.get('location') ?? '')).text()
  t.match(form, '<h1>Sign in</h1>')
  const [, returnTo = ''] = /name="return_to" value="([^"]*)"/.exec(form) ?? []
  t.notMatch(returnTo, 'force_login', 'the page of consent comes next')
  await app.auth.sessions.revokeAll(gil.id)
  t.equal((await askAt(ask(client))).status, 303, 'the session has ended')
})

t.test('an app without a redirect shows the code on a page', async (t) => {
  const hal = await signUp(app, 'Hal')
  const oob = { redirect_uri: 'urn:ietf:wg:oauth:2.0:oob' }
  const client = await register({ redirect_uris: oob.redirect_uri })
  const consent = await signIn(hal, ask(client, oob))
  const page = await (await post('/oauth/authorize', { ...consent, decision: 'allow' })).text()
  const [, code = ''] = /<code>(.*)<\/code>/.exec(page) ?? []
  t.equal((await exchange(client, code, oob)).status, 200)
})

t.test('an app gets no scope that it has not registered, and no unknown one', async (t) => {
  const client = await register({ scopes: 'read' })
  for (const scope of ['read write', 'admin:read']) {
    const answer = await askAt(ask(client, { scope }))
    t.match(answer.headers.get('location'), /error=invalid_scope/, scope)
  }
})

t.test('the session of an app is listed with its name, and its end ends the token', async (t) => {
  const ida = await signUp(app, 'Ida')
  const token = await tokenOf(ida)
  const { items } = await read(app, '/v1/auth/sessions', ida)
  const mine = items.find((one: { app: string | null }) => one.app === 'Test Client')
  t.match(mine, { current: false, app: 'Test Client' })
  t.equal((await call(VERIFY, token)).status, 200)
  await callCore(app, `DELETE /v1/auth/sessions/${mine.id}`, { as: ida })
  t.match(await call(VERIFY, token), {
    status: 401,
    body: { error: 'The access token is invalid' },
  })
})

t.test('a token is remembered, and ends in every process within a second', async (t) => {
  const other = await setUp(t, env)
  const ofOther = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await callCore(other, 'GET /api/v1/accounts/verify_credentials', { headers })).status
  }
  const [joe, kay] = [await signUp(app, 'Joe'), await signUp(app, 'Kay')]
  const [ofJoe, ofKay] = [await tokenOf(joe), await tokenOf(kay)]
  for (const token of [ofJoe, ofKay]) t.equal(await ofOther(token), 200)
  const { mastodonTokens: tokens, sessions } = app.tables
  const [row] = await app.db.select().from(tokens).where(eq(tokens.userId, joe.id))
  await app.db.update(sessions).set({ accessUntil: new Date(0) })
  await app.db.delete(tokens).where(eq(tokens.userId, kay.id))
  t.equal(await ofOther(ofKay), 200, 'no query for each request')
  await app.auth.sessions.revoke(joe.id, row?.sessionId ?? 0)
  t.equal((await call(VERIFY, ofJoe)).status, 401)
  await sleep(900)
  t.equal(await ofOther(ofJoe), 401)
})

t.test('an app revokes its token, and another app cannot', async (t) => {
  const jon = await signUp(app, 'Jon')
  const [client, other] = [await register(), await register()]
  const code = codeIn(await allow(jon, ask(client)))
  const { access_token: token }: any = await (await exchange(client, code)).json()
  await post('/oauth/revoke', { ...other, token })
  t.equal((await call(VERIFY, token)).status, 200)
  t.equal((await post('/oauth/revoke', { ...client, token })).status, 200)
  t.equal((await call(VERIFY, token)).status, 401)
})

t.test('suspension and deletion of the account end the token', async (t) => {
  const [kim, lee] = [await signUp(app, 'Kim'), await signUp(app, 'Lee')]
  const [ofKim, ofLee] = [await tokenOf(kim), await tokenOf(lee)]
  await app.moderation.actOn('suspend', { userId: kim.id, reason: 'Advertising' })
  await callCore(app, 'DELETE /v1/users/me', { as: lee, body: { password: lee.password } })
  t.equal((await call(VERIFY, ofKim)).status, 401)
  t.equal((await call(VERIFY, ofLee)).status, 401)
})

t.test(
  'the metadata name the endpoints; unknown paths are JSON for pages of any origin',
  async (t) => {
    const { body } = await call('GET /.well-known/oauth-authorization-server')
    t.equal(body.token_endpoint, `${url}/oauth/token`)
    t.strictSame(body.code_challenge_methods_supported, ['S256'])
    const missing = await call('GET /api/v1/nothing')
    t.match(missing, { status: 404, body: { error: String } })
  },
)

t.test(
  'a changed password ends the consents and codes that the former one has opened',
  async (t) => {
    const pat = await signUp(app, 'Pat')
    const client = await register()
    const code = codeIn(await allow(pat, ask(client)))
    const consent = await signIn(pat, ask(client))
    const body = { password: pat.password, newPassword: 'xK4-tulip-row' }
    await callCore(app, 'PUT /v1/users/me/password', { as: pat, body })
    t.match(await (await exchange(client, code)).json(), { error: 'invalid_grant' })
    t.equal((await post('/oauth/authorize', { ...consent, decision: 'allow' })).status, 400)
  },
)

t.test('a code without a challenge needs the secret of its app', async (t) => {
  const quin = await signUp(app, 'Quin')
  const { client_id } = await register()
  const open = { client_id, client_secret: '' }
  const code = codeIn(await allow(quin, ask(open)))
  t.not((await exchange(open, code)).status, 200)
  t.not((await exchange(open, code, { code_verifier: 'v'.repeat(50) })).status, 200)
})

t.test('tokens of apps alone, and then the apps, are purged after 30 days', async (t) => {
  const { mastodonApps: apps, mastodonTokens: tokens } = app.tables
  const [old, young] = [await register(), await register()]
  for (const { client_id, client_secret } of [old, young])
    await post('/oauth/token', { grant_type: 'client_credentials', client_id, client_secret })
  const { id = 0 } = (await app.mastodon.apps.find(old.client_id)) ?? {}
  const past = { createdAt: sql`NOW(3) - INTERVAL 31 DAY` }
  await app.db.update(tokens).set(past).where(eq(tokens.appId, id))
  await app.db.update(apps).set(past).where(eq(apps.id, id))
  await runJob(app, 'mastodon.purge', {})
  t.equal(await app.mastodon.apps.find(old.client_id), undefined)
  t.ok(await app.mastodon.apps.find(young.client_id))
})

t.test('codes, and tokens whose session has ended, are purged', async (t) => {
  const { mastodonCodes: codes, mastodonTokens: tokens } = app.tables
  const mo = await signUp(app, 'Mo')
  await tokenOf(mo)
  await app.db.update(codes).set({ expiresAt: new Date(0) })
  await app.auth.sessions.revokeAll(mo.id)
  await app.mastodon.codes.purge()
  await app.mastodon.tokens.purge()
  t.strictSame(await app.db.select().from(codes), [])
  t.strictSame(await app.db.select().from(tokens).where(eq(tokens.userId, mo.id)), [])
})
