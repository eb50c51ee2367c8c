import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { extensionFolders, index, refusals } from '../extension-folder.ts'
import { type App, call, settings, setUp, signUp, type User } from '../helper.ts'
import { operationsOf } from '../undocumented.ts'

type Options = { as?: User; from?: string; body?: object; forwarded?: string }

/** One request from an address; returns its status and headers. */
async function ask(app: App, line: string, { as, from, body, forwarded }: Options = {}) {
  const [method, url] = line.split(' ')
  return app.inject({
    method: method as 'GET',
    url: url ?? '/',
    remoteAddress: from ?? '192.0.2.1',
    headers: {
      ...(as && { authorization: `Bearer ${as.token}` }),
      ...(forwarded && { 'x-forwarded-for': forwarded }),
    },
    ...(body && { payload: body }),
  })
}

const status = async (...of: Parameters<typeof ask>) => (await ask(...of)).statusCode

t.test('a class limits an account and leaves other accounts and classes alone', async (t) => {
  const app = await setUp(t, { LIMIT_READ: 'account 2/min', LIMIT_WRITE: 'account 3/min' })
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  const line = 'GET /v1/users/me'
  t.equal(await status(app, line, { as: ann }), 200)
  t.equal(await status(app, line, { as: ann, from: '192.0.2.9' }), 200)
  const refused = await ask(app, line, { as: ann })
  t.match(refused, { statusCode: 429, headers: { 'content-type': /^application\/problem\+json/ } })
  t.match(refused.json(), {
    status: 429,
    code: 'TOO_MANY_REQUESTS',
    detail:
      /^There were more than 2 read requests in 60 seconds from this account; wait \d+ seconds/,
  })
  t.match(refused.headers, {
    'retry-after': /^(60|5\d)$/,
    ratelimit: /^"read-account-60";r=0;t=(60|5\d)$/,
    'ratelimit-policy': '"read-account-60";q=2;w=60',
  })
  t.equal(await status(app, line, { as: ben }), 200, 'another account from the same address')
  t.equal(await status(app, 'GET /v1/tweets'), 200, 'no account')
  for (const expected of [201, 201, 201, 429]) {
    const body = { text: 'hello' }
    t.equal(await status(app, 'POST /v1/tweets', { as: ann, body }), expected, 'writes')
  }
})

t.test('a class limits an address, whoever sends', async (t) => {
  const app = await setUp(t, { LIMIT_READ: 'account 9/min, address 3/min' })
  const ann = await signUp(app, 'Ann')
  t.equal(await status(app, 'GET /v1/tweets'), 200)
  t.equal(await status(app, 'GET /v1/no-such-route'), 404)
  const forged = { ...ann, token: `${ann.token}x` }
  t.equal(await status(app, 'GET /v1/users/me', { as: forged }), 401, 'a wrong token counts')
  const refused = await ask(app, 'GET /v1/users/me', { as: ann })
  t.match(refused, { statusCode: 429, headers: { ratelimit: /^"read-address-60";r=0/ } })
  t.match(refused.json().detail, 'from this address')
  t.equal(await status(app, 'GET /v1/no-such-route'), 429)
  t.equal(await status(app, 'GET /v1/users/me', { as: ann, from: '192.0.2.2' }), 200)
  for (const path of ['/livez', '/readyz']) t.equal(await status(app, `GET ${path}`), 200, path)
})

t.test('an address of IPv6 counts as its /64, and IPv4 within IPv6 as IPv4', async (t) => {
  const app = await setUp(t, { LIMIT_READ: 'address 1/min' })
  const cases: [string, number][] = [
    ['2001:db8:0:1::1', 200],
    ['2001:db8:0:1:ffff:ffff:ffff:ffff', 429],
    ['2001:db8:0:2::1', 200],
    ['192.0.2.7', 200],
    ['::ffff:192.0.2.7', 429],
    ['::ffff:192.0.2.8', 200],
  ]
  for (const [from, expected] of cases) {
    t.equal(await status(app, 'GET /v1/tweets', { from }), expected, from)
  }
})

t.test('the address comes from X-Forwarded-For only behind a trusted proxy', async (t) => {
  const open = await setUp(t, { LIMIT_READ: 'address 1/min' })
  t.equal(await status(open, 'GET /v1/tweets', { forwarded: '198.51.100.1' }), 200)
  t.equal(await status(open, 'GET /v1/tweets', { forwarded: '198.51.100.2' }), 429)
  const proxied = await setUp(t, { LIMIT_READ: 'address 1/min', TRUST_PROXY: '192.0.2.1' })
  t.equal(await status(proxied, 'GET /v1/tweets', { forwarded: '198.51.100.1' }), 200)
  t.equal(await status(proxied, 'GET /v1/tweets', { forwarded: '198.51.100.2' }), 200)
  t.equal(await status(proxied, 'GET /v1/tweets', { forwarded: '198.51.100.1' }), 429)
})

t.test('answers show the limit that is nearest, also to pages of other origins', async (t) => {
  const app = await setUp(t, {
    LIMIT_READ: 'account 10/min, address 1000/min, address 9000/h',
    CORS_ORIGIN: '*',
  })
  const ann = await signUp(app, 'Ann')
  const { headers } = await ask(app, 'GET /v1/tweets')
  t.match(headers, {
    ratelimit: '"read-address-60";r=999;t=60',
    'ratelimit-policy':
      '"read-account-60";q=10;w=60, "read-address-60";q=1000;w=60, "read-address-3600";q=9000;w=3600',
  })
  const own = await call(app, 'GET /v1/users/me', {
    as: ann,
    headers: { origin: 'https://a.example' },
  })
  t.equal(own.headers.ratelimit, '"read-account-60";r=9;t=60')
  t.match(own.headers['access-control-expose-headers'], 'ratelimit, ratelimit-policy, retry-after')
})

t.test('a limit ends with its window', async (t) => {
  const app = await setUp(t, { LIMIT_READ: 'address 1/s' })
  t.equal(await status(app, 'GET /v1/tweets'), 200)
  const refused = await ask(app, 'GET /v1/tweets')
  t.match(refused, { statusCode: 429, headers: { 'retry-after': '1' } })
  const begun = performance.now()
  while ((await status(app, 'GET /v1/tweets')) === 429) await sleep(20)
  t.ok(performance.now() - begun < 1_500)
})

t.test('uploads, streams, sign-ups and refreshes have classes of their own', async (t) => {
  const app = await setUp(t, {
    LIMIT_UPLOAD: 'account 1/min',
    LIMIT_STREAM: 'account 1/min',
    LIMIT_SIGN_UP: 'address 3/h',
    LIMIT_REFRESH: 'account 2/min, address 4/min',
  })
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  for (const line of ['PUT /v1/users/me/avatar', 'POST /v1/media']) {
    t.equal(
      await status(app, line, { as: ann, body: {} }),
      line.includes('avatar') ? 415 : 429,
      line,
    )
  }
  t.equal(await status(app, 'POST /profile-picture/s3', { as: ann, body: {} }), 429, 'the flat API')
  t.equal(
    (await call(app, 'GET /v1/live', { as: ann, headers: { accept: 'text/plain' } })).status,
    406,
  )
  t.equal(await status(app, 'GET /v1/live', { as: ann }), 429)
  t.equal(await status(app, 'POST /sign-up', { from: '127.0.0.1', body: {} }), 400, 'the third')
  const fourth = await ask(app, 'POST /sign-up', { from: '127.0.0.1', body: {} })
  t.match(fourth, {
    statusCode: 429,
    headers: { 'content-type': /^text\/plain/, 'retry-after': /^3[56]\d\d$/ },
  })
  t.match(fourth.headers, { 'access-control-allow-origin': '*' })
  t.match(fourth.body, /^There were more than 3 sign-up requests in 3600 seconds/)

  const refresh = (refreshToken: string) =>
    ask(app, 'POST /v1/auth/refresh', { body: { refreshToken } })
  const first = await refresh(ann.refreshToken)
  const second = await refresh(first.json().refreshToken)
  t.equal(second.statusCode, 200)
  const refused = await refresh(second.json().refreshToken)
  t.match(refused.json(), { code: 'TOO_MANY_REQUESTS', detail: /from this account/ })
  t.equal((await refresh(ben.refreshToken)).statusCode, 200, 'another account')
  t.match((await refresh(ben.refreshToken)).json().detail, 'from this address')
})

t.test('routes of extensions are limited, and may name a class', async (t) => {
  const named = index(`
    app.get('/quick', async () => 'read')
    app.post('/slow', { config: { limit: 'upload' } }, async () => 'upload')
    app.get('/free', { config: { limit: false } }, async () => 'never')
  `)
  const folder = extensionFolders(t)
  const app = await setUp(t, {
    EXTENSIONS: folder('pace', { 'index.js': named }),
    LIMIT_READ: 'address 1/min',
    LIMIT_UPLOAD: 'address 1/min',
  })
  for (const [line, ...expected] of [
    ['GET /v1/quick', 200, 429],
    ['POST /v1/slow', 200, 429],
    ['GET /v1/free', 200, 200],
  ] as const) {
    for (const one of expected) t.equal(await status(app, line), one, line)
  }
  const wrong = index(`app.get('/x', { config: { limit: 'fast' } }, async () => 'x')`)
  t.match(
    await refusals(await settings(t))(t, [folder('haste', { 'index.js': wrong })]),
    /haste: .*\/v1\/x has the limit fast; set it to false or one of read, write, upload/,
  )
})

t.test('a class that is off refuses nothing', async (t) => {
  const app = await setUp(t, { LIMIT_READ: 'off' })
  const { statusCode, headers } = await ask(app, 'GET /v1/tweets')
  t.equal(statusCode, 200)
  t.notOk('ratelimit' in headers)
})

t.test('every operation declares its class and 429, except health checks', async (t) => {
  const app = await setUp(t)
  const classes = new Map<string, string[]>()
  for (const operation of operationsOf(app)) {
    const {
      route,
      responses,
      'x-rate-limit': name,
    } = operation as typeof operation & {
      'x-rate-limit'?: string
    }
    if (/livez|readyz/.test(route)) {
      t.notOk(responses[429], route)
      continue
    }
    classes.set(name ?? 'none', [...(classes.get(name ?? 'none') ?? []), route])
    const { content, headers } = responses[429] as { content?: object; headers?: object }
    t.strictSame(Object.keys(content ?? {}), Object.keys(responses[400]?.content ?? {}), route)
    t.strictSame(
      Object.keys(headers ?? {}),
      ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
      route,
    )
  }
  t.strictSame([...classes.keys()].sort(), [
    'login',
    'mail',
    'read',
    'refresh',
    'sign-up',
    'stream',
    'upload',
    'write',
  ])
  t.strictSame(classes.get('sign-up'), ['POST /v1/auth/sign-up', 'POST /sign-up'])
  const appeal = 'POST /v1/moderation/appeals'
  const options = 'POST /v1/auth/passkey-options'
  t.strictSame(classes.get('login'), ['POST /v1/auth/login', options, 'POST /login', appeal])
  t.equal(classes.get('upload')?.length, 5)
})

t.test('a wrong setting says what to write', async (t) => {
  const env = await settings(t)
  for (const wrong of ['many', 'account 5', 'account 0/min', 'person 5/min', '5/min', ',']) {
    const message = await refusals({ ...env, LIMIT_READ: wrong })(t, [])
    t.match(message, `it is "${wrong}"; set it to limits such as account 1200/min`)
  }
  const message = await refusals({ ...env, LIMIT_SIGN_UP: 'account 5/h' })(t, [])
  t.match(message, 'limit addresses alone')
  const twice = await refusals({ ...env, LIMIT_READ: 'account 5/min, account 9/min' })(t, [])
  t.match(twice, 'limit accounts and addresses once a window')
})
