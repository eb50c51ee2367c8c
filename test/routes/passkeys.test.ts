import { randomBytes } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { URI } from 'otpauth'
import t from 'tap'
import { openBrowser } from '../../extensions/web/test/browser.ts'
import { createSite } from '../../routes/auth/passkeys/site.ts'
import { passkeyOf } from '../authenticator.ts'
import { call, drained, settings, setUp, signUp, type User } from '../helper.ts'
import { startSmtp } from '../smtp.ts'

const ORIGIN = 'https://birds.example'
const SUBDOMAIN = 'https://app.birds.example'
const smtp = await startSmtp(t)
const env = {
  ...(await settings(t)),
  PUBLIC_URL: `${ORIGIN}/here`,
  CORS_ORIGIN: `${SUBDOMAIN}, https://other.example`,
  MAIL_URL: smtp.url,
  MAIL_FROM: 'birds@birds.example',
}
const app = await setUp(t, env)
const address = await app.listen({ port: 0 })
const { passkeys, passkeyChallenges, recoveryCodes, loginAttempts } = app.tables
const warnings: string[] = []
process.on('warning', ({ message }) => void warnings.push(message))

const FACTOR = '/v1/auth/second-factor'
const PATH = `${FACTOR}/passkeys`
type As = { token: string }

const creationOptions = (as: User, proof: object = {}) =>
  call(app, `POST ${PATH}/options`, { as, body: { password: as.password, ...proof } })
const add = (as: As, passkey: object, more: object = {}) =>
  call(app, `POST ${PATH}`, { as, body: { name: 'Phone', passkey, ...more } })
const loginOptions = async ({ email, password }: User) =>
  (await call(app, 'POST /v1/auth/passkey-options', { body: { email, password } })).body
const ownOptions = async (as: As) =>
  (await call(app, `POST ${FACTOR}/passkey-options`, { as })).body
const signIn = ({ email, password }: User, proof: object = {}) =>
  call(app, 'POST /v1/auth/login', { body: { email, password, ...proof } })
const stateOf = async (as: As) => (await call(app, `GET ${FACTOR}`, { as })).body
const listOf = async (as: As) => (await call(app, `GET ${PATH}`, { as })).body.items
const forgive = () => app.db.delete(loginAttempts)

/** A person whose second factor is a passkey alone. */
async function enrolled(name: string, options?: Parameters<typeof passkeyOf>[1]) {
  const user = await signUp(app, name)
  const passkey = passkeyOf(ORIGIN, options)
  const { body } = await add(user, passkey.create((await creationOptions(user)).body))
  const codes: string[] = body.recoveryCodes
  const answer = async () => ({ passkey: passkey.get(await ownOptions(user)) })
  return { user, passkey, id: body.id as number, codes, answer }
}

t.test('a passkey is added, and a login requires it, over HTTP', async (t) => {
  const ada = await signUp(app, 'Ada')
  const { email, password } = ada
  const ask = async (line: string, body: object, token?: string) => {
    const [method = '', path = ''] = line.split(' ')
    const headers = {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    }
    const answer = await fetch(address + path, { method, headers, body: JSON.stringify(body) })
    return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') }
  }
  const passkey = passkeyOf(ORIGIN)
  const options = await ask(`POST ${PATH}/options`, { password }, ada.token)
  t.match(options, {
    status: 200,
    body: {
      challenge: /^[\w-]{43}$/,
      rp: { id: 'birds.example', name: 'Birdhouse' },
      user: { name: email, displayName: 'Ada' },
      attestation: 'none',
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
    },
  })
  const sent = { name: '  나의 열쇠  ', passkey: passkey.create(options.body) }
  const added = await ask(`POST ${PATH}`, sent, ada.token)
  t.match(added, { status: 201, body: { name: '나의 열쇠', lastUsedAt: null } })
  t.equal(added.body.recoveryCodes.length, 10)
  t.match(await stateOf(ada), { isOn: true, hasApp: false, passkeys: 1, recoveryCodesLeft: 10 })

  t.match(await signIn(ada), { status: 401, body: { code: 'SECOND_FACTOR_REQUIRED' } })
  const request = await ask('POST /v1/auth/passkey-options', { email, password })
  t.match(request, {
    status: 200,
    body: { rpId: 'birds.example', allowCredentials: [{ id: passkey.id, type: 'public-key' }] },
  })
  t.strictSame(request.body.allowCredentials[0].transports, ['internal', 'hybrid'])
  const proof = { email, password, passkey: passkey.get(request.body) }
  t.equal((await ask('POST /v1/auth/login', proof)).status, 200)
  t.match(await ask('POST /v1/auth/login', proof), {
    status: 401,
    body: { code: 'WRONG_SECOND_FACTOR' },
  })
  const [listed] = await listOf(ada)
  t.match(listed, { id: added.body.id, name: '나의 열쇠', lastUsedAt: /^20/ })
  t.equal((await signIn(ada, { code: added.body.recoveryCodes[0] })).status, 200)
  t.equal((await signIn(ada, { code: '123456' })).status, 401, 'there is no authenticator app')

  const flat = { email, password, passkey: passkey.get(await loginOptions(ada)) }
  t.equal((await call(app, 'POST /login', { body: flat })).status, 200)
  await drained(app)
  const subjects = smtp.to(email).map(({ subject }) => subject)
  t.ok(subjects.includes('A passkey was added'))
  t.ok(subjects.includes('Your second factor is on'))
})

t.test('options of a login tell nobody without the password who has passkeys', async (t) => {
  const { user } = await enrolled('Bo')
  const other = await signUp(app, 'None')
  const ask = (email: string, password: string) =>
    call(app, 'POST /v1/auth/passkey-options', { body: { email, password } })
  for (const email of [user.email, other.email, 'nobody@example.com'])
    t.match(await ask(email, 'wrong'), { status: 401, body: { code: 'WRONG_CREDENTIALS' } })
  t.match(await ask(other.email, other.password), { status: 409, body: { code: 'NO_PASSKEYS' } })
  t.match(await call(app, `POST ${FACTOR}/passkey-options`, { as: other }), { status: 409 })

  await forgive()
  const attempt = () => ask(user.email, 'wrong')
  for (let n = 0; n < 4; n++) {
    t.equal((await attempt()).status, 401)
    t.equal((await ask(user.email, user.password)).status, 200, 'ends no row of failures')
  }
  t.equal((await attempt()).status, 401)
  t.match(await ask(user.email, user.password), { status: 429 })
  await forgive()
})

t.test('a passkey for another site, person or time is refused', async (t) => {
  const { user, passkey } = await enrolled('Cho')
  const stranger = await enrolled('Stranger')
  const fresh = await signUp(app, 'Fresh')
  const registration = async (lies: object) =>
    add(fresh, passkeyOf(ORIGIN).create((await creationOptions(fresh)).body, lies))
  const lies = [
    { origin: 'https://evil.example' },
    { origin: 'https://other.example' },
    { origin: 'http://birds.example' },
    { rpId: 'evil.example' },
    { type: 'webauthn.get' },
  ]
  for (const lie of lies)
    t.match(
      await registration(lie),
      { status: 422, body: { code: 'PASSKEY_REFUSED' } },
      JSON.stringify(lie),
    )
  for (const format of ['packed', 'tpm', 'unheard-of'])
    t.equal((await registration({ format })).status, 422, format)
  t.equal((await registration({ id: randomBytes(1024) })).status, 400, 'too long an id')
  t.equal((await stateOf(fresh)).isOn, false)

  const refused = async (message: string, given: object) => {
    const { status, body } = await signIn(user, { passkey: given })
    t.match({ status, body }, { status: 401, body: { code: 'WRONG_SECOND_FACTOR' } }, message)
    await forgive()
  }
  for (const lie of [...lies.slice(0, 4), { type: 'webauthn.create' }])
    await refused(JSON.stringify(lie), passkey.get(await ownOptions(user), lie))
  await refused("another's passkey", stranger.passkey.get(await ownOptions(user)))
  await refused("another's challenge", passkey.get(await ownOptions(stranger.user)))
  const { body: creation } = await creationOptions(user, {
    passkey: passkey.get(await ownOptions(user)),
  })
  await refused(
    'the challenge of a registration',
    passkey.get({ ...creation, rpId: creation.rp.id }),
  )
  const forged = passkey.get(await ownOptions(user))
  const { signature } = stranger.passkey.get(await ownOptions(user)).response
  await refused('a forged signature', {
    ...forged,
    response: { ...forged.response, signature },
  })
  const late = passkey.get(await ownOptions(user))
  await app.db
    .update(passkeyChallenges)
    .set({ expiresAt: sql`NOW(3) - INTERVAL 1 SECOND` })
    .where(eq(passkeyChallenges.userId, user.id))
  await refused('an expired challenge', late)
  const options = await ownOptions(user)
  t.equal((await signIn(user, { passkey: passkey.get(options) })).status, 200)
  const subdomain = passkey.get(await ownOptions(user), { origin: SUBDOMAIN })
  t.equal((await signIn(user, { passkey: subdomain })).status, 200, 'a page that CORS_ORIGIN names')
  await refused('a used challenge', passkey.get(options))
})

t.test('a counter that goes back is refused, and one that stays 0 is not', async (t) => {
  const { user, passkey, id } = await enrolled('Dora')
  const use = async (lies: object) =>
    (await signIn(user, { passkey: passkey.get(await ownOptions(user), lies) })).status
  t.equal(await use({ counter: 41 }), 200)
  for (const counter of [41, 7, 0]) t.equal(await use({ counter }), 401, `${counter}`)
  await forgive()
  t.equal(await use({ counter: 42 }), 200)
  const copies = [await ownOptions(user), await ownOptions(user)]
  const { use: useAnswer } = app.auth.secondFactor.passkeys
  const uses = copies.map((options) => useAnswer(user.id, passkey.get(options, { counter: 43 })))
  t.strictSame((await Promise.all(uses)).sort(), [false, true], 'a copy at the same time')
  const [row] = await app.db.select().from(passkeys).where(eq(passkeys.id, id))
  t.equal(row?.counter, 43)

  const synced = await enrolled('Eun', { counts: false, curve: 'Ed25519' })
  for (let n = 0; n < 2; n++) {
    const options = await ownOptions(synced.user)
    t.equal((await signIn(synced.user, { passkey: synced.passkey.get(options) })).status, 200)
  }
})

t.test('one of several simultaneous uses of a challenge wins', async (t) => {
  const { user, passkey } = await enrolled('Fay', { counts: false })
  const given = { passkey: passkey.get(await ownOptions(user)) }
  const logins = await Promise.all([1, 2, 3].map(() => signIn(user, given)))
  t.strictSame(logins.map(({ status }) => status).sort(), [200, 401, 401])
  await forgive()

  const next = await signUp(app, 'Gil')
  const created = passkeyOf(ORIGIN).create((await creationOptions(next)).body)
  const adds = await Promise.all([1, 2, 3].map(() => add(next, created)))
  t.strictSame(adds.map(({ status }) => status).sort(), [201, 422, 422])

  const both = await signUp(app, 'Hae')
  const options = [await creationOptions(both), await creationOptions(both)]
  const firsts = await Promise.all(
    options.map(({ body }) => add(both, passkeyOf(ORIGIN).create(body))),
  )
  t.strictSame(firsts.map(({ status }) => status).sort(), [201, 422], 'one switches the factor on')
  t.equal((await stateOf(both)).recoveryCodesLeft, 10)
})

t.test('malformed answers and names are refused', async (t) => {
  const { user, passkey, id } = await enrolled('Ida')
  const created = passkey.create({ challenge: 'x', rp: { id: 'birds.example' } })
  const asserted = passkey.get(await ownOptions(user))
  const broken = ['', '가', 'a+/=', 'A'.repeat(9000), 7, null]
  for (const clientDataJSON of broken) {
    const response = { ...created.response, clientDataJSON }
    const { status } = await add(user, { ...created, response })
    t.ok(status === 400 || status === 413, String(clientDataJSON).slice(0, 10))
  }
  const texts = [
    'A',
    'bnVsbA',
    'e30',
    '_____w',
    Buffer.from('{"challenge":{}}').toString('base64url'),
  ]
  for (const text of texts) {
    const response = { ...created.response, clientDataJSON: text }
    t.equal((await add(user, { ...created, response })).status, 422, text)
    const answer = { ...asserted, response: { ...asserted.response, clientDataJSON: text } }
    t.equal((await signIn(user, { passkey: answer })).status, 401, text)
    await forgive()
  }
  const nested = Buffer.from([...new Array(3000).fill(0x81), 0x00])
  const cbor = [
    Buffer.from('a0', 'hex'),
    Buffer.from('ff', 'hex'),
    Buffer.from('bf', 'hex'),
    nested,
  ]
  const proof = async () => ({ passkey: passkey.get(await ownOptions(user)) })
  for (const bytes of [...cbor, randomBytes(300)]) {
    const { body } = await creationOptions(user, await proof())
    const answer = passkeyOf(ORIGIN).create(body)
    const response = { ...answer.response, attestationObject: bytes.toString('base64url') }
    t.equal((await add(user, { ...answer, response })).status, 422, bytes.toString('hex', 0, 4))
    const login = passkey.get(await ownOptions(user))
    for (const field of ['authenticatorData', 'signature']) {
      const bad = { ...login.response, [field]: bytes.toString('base64url').slice(0, 1400) }
      t.equal((await signIn(user, { passkey: { ...login, response: bad } })).status, 401, field)
      await forgive()
    }
  }
  for (const name of ['', ' ', 'a\u200bb', '\u202eb', 'a\nb', 'x'.repeat(51), '가'.repeat(51)]) {
    const { status } = await call(app, `PATCH ${PATH}/${id}`, { as: user, body: { name } })
    t.equal(status, 400, JSON.stringify(name))
    t.equal((await add(user, created, { name })).status, 400)
  }
  const body = { name: '가'.repeat(50) }
  t.match(await call(app, `PATCH ${PATH}/${id}`, { as: user, body }), { status: 200, body })
})

t.test('passkeys belong to one account, once, and to the session that adds them', async (t) => {
  const { user, passkey, id, answer } = await enrolled('Jin')
  const other = await enrolled('Other')
  const again = passkey.create((await creationOptions(user, await answer())).body)
  t.match(await add(user, again), { status: 409, body: { code: 'PASSKEY_TAKEN' } })
  const foreign = (await creationOptions(other.user, await other.answer())).body
  t.equal((await add(other.user, passkey.create(foreign))).status, 409)

  const missing = { status: 404, body: { code: 'PASSKEY_NOT_FOUND' } }
  const rename = { as: other.user, body: { name: 'Mine' } }
  t.match(await call(app, `PATCH ${PATH}/${id}`, rename), missing)
  const deletion = { as: other.user, body: { password: other.user.password, code: other.codes[0] } }
  t.match(await call(app, `DELETE ${PATH}/${id}`, deletion), missing)
  t.equal((await signIn(other.user, { code: other.codes[0] })).status, 200, 'no code was used up')

  const session = { token: (await signIn(user, await answer())).body.accessToken as string }
  const { body: begun } = await creationOptions(user, await answer())
  const created = passkeyOf(ORIGIN).create(begun)
  t.equal((await add(session, created)).status, 422, 'another session')
  const inSession = { ...user, ...session }
  const { body } = await creationOptions(inSession, await answer())
  await call(app, 'POST /v1/auth/logout', { as: session })
  t.equal((await add(session, passkeyOf(ORIGIN).create(body))).status, 401, 'an ended session')
  t.equal((await add(user, created)).status, 201)
  t.equal((await listOf(user)).length, 2)
})

t.test('an account has at most 20 passkeys', async (t) => {
  const { user, answer } = await enrolled('Kai')
  const waiting = (await creationOptions(user, await answer())).body
  const [row] = await app.db.select().from(passkeys).where(eq(passkeys.userId, user.id))
  if (!row) return t.fail('no passkey')
  const { id: _id, ...rest } = row
  const copies = Array.from({ length: 19 }, () => ({ ...rest, credentialHash: randomBytes(32) }))
  await app.db.insert(passkeys).values(copies)
  const full = { status: 409, body: { code: 'TOO_MANY_PASSKEYS' } }
  t.match(await creationOptions(user), full)
  t.match(await add(user, passkeyOf(ORIGIN).create(waiting)), full)
  for (let n = 0; n < 25; n++) await ownOptions(user)
  const kept = await app.db.$count(passkeyChallenges, eq(passkeyChallenges.userId, user.id))
  t.equal(kept, 20, 'and at most 20 challenges')
})

t.test('acts on the account require the passkey', async (t) => {
  const { user, answer, id, codes } = await enrolled('Lee')
  const { password } = user
  const acts: [string, object, number][] = [
    [`POST ${PATH}/options`, {}, 200],
    [`POST ${FACTOR}`, {}, 200],
    ['POST /v1/users/me/exports', {}, 202],
    ['PUT /v1/users/me/email', { email: `lee-${id}@example.com` }, 202],
    ['PUT /v1/users/me/password', { newPassword: password }, 204],
    [`DELETE ${PATH}/${id}`, {}, 204],
  ]
  for (const [line, fields, done] of acts) {
    const ask = (proof: object) =>
      call(app, line, { as: user, body: { password, ...fields, ...proof } })
    t.match(await ask({}), { status: 403, body: { code: 'SECOND_FACTOR_REQUIRED' } }, line)
    const used = await answer()
    t.match(await ask({ passkey: { ...used.passkey, id: 'AAAA' } }), { status: 403 }, line)
    t.equal((await ask(used)).status, done, line)
  }
  t.equal((await signIn(user)).status, 200, 'deleting the last passkey switches the factor off')
  t.equal((await signIn(user, { code: codes[0] })).status, 200)
  t.equal(await app.db.$count(recoveryCodes, eq(recoveryCodes.userId, user.id)), 0)
  const gone = { as: user, body: { password } }
  t.equal((await call(app, `DELETE ${PATH}/${id}`, gone)).status, 404, 'deleted already')
  await drained(app)
  const subjects = smtp.to(user.email).map(({ subject }) => subject)
  t.ok(subjects.includes('A passkey was deleted'))

  const next = await enrolled('Min')
  const ask = (proof: object) =>
    call(app, 'DELETE /v1/users/me', { as: next.user, body: { password, ...proof } })
  t.equal((await ask({})).status, 403)
  t.equal((await ask(await next.answer())).status, 204)
  await drained(app)
  for (const table of [passkeys, passkeyChallenges])
    t.equal(await app.db.$count(table, eq(table.userId, next.user.id)), 0)
})

t.test('an authenticator app and passkeys are one second factor', async (t) => {
  const { user, answer, id, codes } = await enrolled('Noa')
  const { password } = user
  const begun = (await creationOptions(user, await answer())).body
  const start = { as: user, body: { password, ...(await answer()) } }
  const totp = URI.parse((await call(app, `POST ${FACTOR}`, start)).body.url)
  const confirm = { as: user, body: { code: totp.generate() } }
  const confirmed = await call(app, `POST ${FACTOR}/confirm`, confirm)
  t.equal(confirmed.body.recoveryCodes.length, 10)
  t.match(await stateOf(user), { isOn: true, hasApp: true, passkeys: 1, recoveryCodesLeft: 10 })
  t.equal((await signIn(user, { code: codes[0] })).status, 401, 'former recovery codes are void')
  t.equal((await add(user, passkeyOf(ORIGIN).create(begun))).status, 422, 'begun before')
  const code = totp.generate({ timestamp: Date.now() + 30_000 })
  t.equal((await signIn(user, { code })).status, 200)

  const removal = { as: user, body: { password, ...(await answer()) } }
  t.equal((await call(app, `DELETE ${PATH}/${id}`, removal)).status, 204)
  t.match(await stateOf(user), { isOn: true, hasApp: true, passkeys: 0 })
  const other = {
    token: (await signIn(user, { code: confirmed.body.recoveryCodes[1] })).body.accessToken,
  }
  const proof = { code: confirmed.body.recoveryCodes[2] }
  const { body } = await creationOptions(user, proof)
  const added = await add(user, passkeyOf(ORIGIN).create(body), { endOtherSessions: true })
  t.equal(added.status, 201)
  t.equal(added.body.recoveryCodes, undefined, 'the codes stay')
  t.equal((await call(app, 'GET /v1/users/me', { as: other })).status, 401)

  const off = { as: user, body: { password, code: confirmed.body.recoveryCodes[3] } }
  t.equal((await call(app, `DELETE ${FACTOR}`, off)).status, 204)
  t.strictSame(await listOf(user), [])
  t.equal((await signIn(user)).status, 200)
})

t.test('a passkey ends the set-up of an app that was begun by the password alone', async (t) => {
  const user = await signUp(app, 'Pim')
  const { url } = (
    await call(app, `POST ${FACTOR}`, { as: user, body: { password: user.password } })
  ).body
  await add(user, passkeyOf(ORIGIN).create((await creationOptions(user)).body))
  const confirm = { as: user, body: { code: URI.parse(url).generate() } }
  t.match(await call(app, `POST ${FACTOR}/confirm`, confirm), {
    status: 409,
    body: { code: 'SECOND_FACTOR_NOT_STARTED' },
  })
})

t.test('the pages take a recovery code of a person who has passkeys alone', async (t) => {
  const { user, codes } = await enrolled('Qi')
  const browser = openBrowser(app)
  const step = await browser.signIn(user, '/bookmarks')
  t.match(step.body, 'This page cannot use a passkey; type a recovery code instead.')
  const ticket = /name="ticket" value="([^"]+)"/.exec(step.body)?.[1] ?? ''
  const fields = { ticket, return_to: '/bookmarks', code: codes[0] ?? '' }
  t.match(await browser.post('/sign-in', fields), { status: 303, to: '/bookmarks' })
})

t.test('an operator deletes lost passkeys', async (t) => {
  const { user } = await enrolled('Ona')
  const task = app.tasks.get('auth:reset-second-factor')
  const context = { progress: () => {}, signal: new AbortController().signal }
  await task?.run({ ...context, argument: user.email })
  t.equal((await signIn(user)).status, 200)
  t.strictSame(await listOf(user), [])
})

t.test('in production passkeys need PUBLIC_URL, and recovery codes do not', async (t) => {
  const { user, answer, codes } = await enrolled('Pia')
  const { email, password } = user
  const given = await answer()
  const bare = await setUp(t, { ...env, PUBLIC_URL: undefined, NODE_ENV: 'production' })
  const missing = { status: 503, body: { code: 'PASSKEYS_UNAVAILABLE', detail: /PUBLIC_URL/ } }
  const ask = (line: string, body: object) => call(bare, line, { as: user, body })
  const logIn = (proof: object) => ask('POST /v1/auth/login', { email, password, ...proof })
  t.match(await ask(`POST ${PATH}/options`, { password }), missing)
  t.match(await ask('POST /v1/auth/passkey-options', { email, password }), missing)
  t.match(await logIn(given), missing)
  t.equal((await logIn({ code: codes[0] })).status, 200)
})

t.test('in development passkeys belong to localhost', (t) => {
  const config = { ...app.config, address: 'http://localhost:3000' }
  const site = createSite({ config } as never)
  t.match(site(), { id: 'localhost', origins: ['http://localhost:3000'] })
  t.end()
})

t.test('Node warns of nothing', (t) => {
  t.strictSame(warnings, [])
  t.end()
})
