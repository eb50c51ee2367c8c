import { createHmac, randomBytes } from 'node:crypto'
import t from 'tap'
import { call, login, settings, setUp, signUp } from '../helper.ts'

const OLD = randomBytes(32).toString('hex')
const NEW = randomBytes(32).toString('hex')
const STRANGE = randomBytes(32).toString('hex')

const stores = await settings(t)
const app = await setUp(t, { ...stores, JWT_SECRETS: OLD })
const user = await signUp(app, 'Token')
const { header, payload } = decode(user.token)
const now = Math.floor(Date.now() / 1000)

function decode(token: string) {
  const [header = '', payload = ''] = token.split('.')
  const part = (text: string): Record<string, any> =>
    JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header: part(header), payload: part(payload) }
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const mac = (input: string, secret: string, hash = 'sha256') =>
  createHmac(hash, secret).update(input).digest('base64url')

/** A token as one with the secret would make it; `undefined` leaves a field out. */
function forge({ head = {}, body = {}, secret = OLD, hash = 'sha256' }) {
  const input = `${encode({ ...header, ...head })}.${encode({ ...payload, ...body })}`
  return `${input}.${mac(input, secret, hash)}`
}

const me = (token: string, where = app) => call(where, 'GET /v1/users/me', { as: { token } })

t.test('an access token is short and has only the required claims', async (t) => {
  t.strictSame(Object.keys(payload).sort(), ['aud', 'exp', 'iat', 'iss', 'sid', 'sub'])
  t.match(payload, { sub: String(user.id), iss: 'birdhouse', aud: 'birdhouse' })
  t.equal(payload.exp - payload.iat, 15 * 60)
  t.match(header, { alg: 'HS256', kid: /^[0-9a-f]{16}$/ })
  t.equal((await me(user.token)).status, 200)
})

t.test('only tokens of this service are accepted', async (t) => {
  t.equal((await me(forge({}))).status, 200, 'a correctly forged token is accepted')
  const [head, body, signature = ''] = user.token.split('.')
  const flipped = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`
  const unsigned = { ...header, alg: 'none' }
  const bad: Record<string, string> = {
    expired: forge({ body: { iat: now - 1000, exp: now - 100 } }),
    'without an end': forge({ body: { exp: undefined } }),
    'not yet valid': forge({ body: { nbf: now + 100 } }),
    'of another issuer': forge({ body: { iss: 'nest' } }),
    'of no issuer': forge({ body: { iss: undefined } }),
    'for another audience': forge({ body: { aud: 'nest' } }),
    'for no audience': forge({ body: { aud: undefined } }),
    'of nobody': forge({ body: { sub: undefined } }),
    'of no session': forge({ body: { sid: undefined } }),
    'signed with another secret': forge({ secret: STRANGE }),
    'signed with another secret, unknown key id': forge({ secret: STRANGE, head: { kid: 'x' } }),
    'signed with nothing': forge({ secret: '' }),
    'alg none': `${encode(unsigned)}.${encode(payload)}.`,
    'alg None': `${encode({ ...unsigned, alg: 'None' })}.${encode(payload)}.`,
    'alg none with a signature': forge({ head: { alg: 'none' } }),
    'alg HS512': forge({ head: { alg: 'HS512' }, hash: 'sha512' }),
    'alg RS256': forge({ head: { alg: 'RS256' } }),
    'no alg': forge({ head: { alg: undefined } }),
    'signature flipped': `${head}.${body}.${flipped}`,
    'signature cut': `${head}.${body}.${signature.slice(0, -4)}`,
    'no signature': `${head}.${body}.`,
    'two parts': `${head}.${body}`,
    'four parts': `${user.token}.x`,
    'another user': `${head}.${encode({ ...payload, sub: '1000' })}.${signature}`,
    'no JSON': `${head}.${Buffer.from('{"sub":').toString('base64url')}.${signature}`,
    'null for a header': `${encode([])}.${body}.${signature}`,
    dots: '...',
    noise: randomBytes(300).toString('base64url'),
    'a refresh token': user.refreshToken,
    long: 'x'.repeat(8_000),
    JSON: '{"sub":1}',
  }
  for (const kid of [['x'], { x: 1 }, 7, null, true, '__proto__', 'x'.repeat(1000)]) {
    bad[`kid ${JSON.stringify(kid).slice(0, 20)}`] = forge({ head: { kid }, secret: STRANGE })
  }
  const paths = ['GET /v1/users/me', `GET /v1/users/${user.id}`, 'POST /v1/auth/logout']
  for (const [label, token] of Object.entries(bad)) {
    for (const line of paths) {
      const { status, headers, body } = await call(app, line, { as: { token } })
      t.equal(status, 401, `${label}: ${line}`)
      t.match(headers['www-authenticate'], /^Bearer/, label)
      t.match(headers['content-type'], 'application/problem+json', label)
      t.match(body, { status: 401, code: 'INVALID_TOKEN' }, label)
      t.notMatch(JSON.stringify(body), token.slice(0, 30), 'the token is not repeated')
    }
  }
  t.equal((await me(user.token)).status, 200, 'none of them ended the session')
})

t.test('malformed Authorization headers are 401', async (t) => {
  for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic aG9uZzp4', user.token, 'Token x']) {
    const { status, headers, body } = await call(app, 'GET /v1/users/me', {
      headers: { authorization },
    })
    t.equal(status, 401, authorization)
    t.match(headers['www-authenticate'], /^Bearer/)
    t.match(body.code, /^(UNAUTHENTICATED|INVALID_TOKEN)$/)
  }
  const none = await call(app, 'GET /v1/users/me')
  t.equal(none.body.code, 'UNAUTHENTICATED')
  t.equal((await call(app, `GET /v1/users/${user.id}`)).status, 200, 'the public needs none')
  for (const scheme of ['bearer', 'BEARER']) {
    const authorization = `${scheme} ${user.token}`
    t.equal((await call(app, 'GET /v1/users/me', { headers: { authorization } })).status, 200)
  }
  const inQuery = await call(app, `GET /v1/users/me?token=${user.token}`)
  t.equal(inQuery.status, 401, 'a token in a URL, which logs keep, is no token')
})

t.test('a rotation in three steps never refuses a token, whichever process gets it', async (t) => {
  // Two neighbours of this list run side by side during a reload.
  const steps = [OLD, `${OLD},${NEW}`, `${NEW},${OLD}`]
  const apps = await Promise.all(steps.map((JWT_SECRETS) => setUp(t, { ...stores, JWT_SECRETS })))
  for (const [before, after] of [apps.slice(0, 2), apps.slice(1, 3)]) {
    if (!before || !after) throw new Error('two processes')
    for (const [issuer, reader] of [
      [before, after],
      [after, before],
    ] as const) {
      const { accessToken } = await login(user, issuer)
      t.equal((await me(accessToken, reader)).status, 200)
    }
  }
})

t.test('secrets are rotated without ending sessions', async (t) => {
  const changed = await setUp(t, { ...stores, JWT_SECRETS: `${NEW},${OLD}` })
  t.equal((await me(user.token, changed)).status, 200, 'signed with the older secret')
  const { accessToken } = await login(user, changed)
  t.equal((await me(accessToken, changed)).status, 200)
  const [head, body, signature] = accessToken.split('.')
  t.equal(signature, mac(`${head}.${body}`, NEW), 'signed with the newest')
  t.not(decode(accessToken).header.kid, header.kid)
  t.notMatch(accessToken, NEW)
  t.equal((await me(accessToken, app)).status, 401, 'unknown to those who have only the older')

  const mixed = forge({ head: decode(accessToken).header, secret: OLD })
  t.equal((await me(mixed, changed)).status, 401, 'the key id decides')

  const settled = await setUp(t, { ...stores, JWT_SECRETS: NEW })
  t.equal((await me(user.token, settled)).status, 401, 'a secret taken away ends its tokens')
  t.equal((await me(accessToken, settled)).status, 200)
})
