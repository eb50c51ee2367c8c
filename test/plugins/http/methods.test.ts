import t from 'tap'
import { call, setUp, signUp } from '../../helper.ts'

const ORIGIN = { origin: 'https://a.example' }
const app = await setUp(t, { CORS_ORIGIN: ORIGIN.origin })

t.test('an unsupported method is 405 with Allow', async (t) => {
  const cases: [string, string][] = [
    ['POST /v1/users/me', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['PUT /v1/users/me?secret=1', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['DELETE /v1/users/7', 'GET, HEAD, OPTIONS'],
    ['GET /v1/tweets/1/like', 'DELETE, OPTIONS, PUT'],
    ['PATCH /v1/bookmarks', 'GET, HEAD, OPTIONS'],
    ['POST /v1/bookmarks', 'GET, HEAD, OPTIONS'],
    ['PROPFIND /livez', 'GET, HEAD, OPTIONS'],
    ['TRACE /livez', 'GET, HEAD, OPTIONS'],
    ['DELETE /openapi.json', 'GET, HEAD, OPTIONS'],
  ]
  for (const [line, allow] of cases) {
    const { status, headers, body } = await call(app, line, { headers: ORIGIN })
    t.equal(status, 405, line)
    t.equal(headers.allow, allow, line)
    t.match(headers['content-type'], 'application/problem+json', line)
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, line)
    t.equal(headers['access-control-allow-origin'], ORIGIN.origin, line)
    t.match(body, { status: 405, code: 'METHOD_NOT_ALLOWED', title: 'Method Not Allowed' }, line)
    t.match(body.detail, allow, line)
    t.notMatch(body.detail, 'secret')
  }
  const head = await app.inject({ method: 'HEAD', url: '/v1/tweets/1/like' })
  t.equal(head.statusCode, 405)
  t.equal(head.headers.allow, 'DELETE, OPTIONS, PUT')
})

t.test('the method is checked before the body', async (t) => {
  t.equal((await call(app, 'QUERY /v1/timeline')).status, 405)
  for (const [type, payload] of [
    ['text/plain', 'x'],
    ['application/json', '{'],
    ['application/json', 'x'.repeat(100_000)],
    ['nonsense', 'x'],
  ] as const) {
    const request = { method: 'PUT' as const, headers: { 'content-type': type }, payload }
    t.equal((await app.inject({ ...request, url: '/v1/timeline' })).statusCode, 405, type)
    t.equal((await app.inject({ ...request, url: '/v1/nowhere' })).statusCode, 404, type)
  }
})

t.test('a flat path answers as the flat paths do, to any origin', async (t) => {
  for (const [line, allow] of [
    ['GET /tweet', 'OPTIONS, POST'],
    ['PUT /ping', 'GET, HEAD, OPTIONS'],
    ['DELETE /profile-picture/s3/7', 'GET, HEAD, OPTIONS'],
  ] as const) {
    const { status, headers, body } = await call(app, line, {
      headers: { origin: 'https://b.example' },
    })
    t.equal(status, 405, line)
    t.equal(headers.allow, allow, line)
    t.match(headers['content-type'], 'text/plain', line)
    t.match(body, /^[A-Z].*\.$/, line)
    t.equal(headers['access-control-allow-origin'], '*', line)
  }
})

t.test('OPTIONS without the headers of a preflight says which methods there are', async (t) => {
  for (const [path, allow, origin] of [
    ['/tweet', 'OPTIONS, POST', '*'],
    ['/timeline', 'GET, HEAD, OPTIONS', '*'],
    ['/v1/timeline', 'GET, HEAD, OPTIONS', ORIGIN.origin],
    ['/v1/users/me', 'DELETE, GET, HEAD, OPTIONS, PATCH', ORIGIN.origin],
  ] as const) {
    for (const headers of [{}, ORIGIN, { 'access-control-request-method': 'POST' }]) {
      const answer = await call(app, `OPTIONS ${path}`, { headers })
      t.equal(answer.status, 204, path)
      t.equal(answer.headers.allow, allow, path)
      t.equal(answer.body, '')
      if ('origin' in headers) t.equal(answer.headers['access-control-allow-origin'], origin, path)
    }
  }
  t.equal((await call(app, 'OPTIONS /v1/nowhere', { headers: ORIGIN })).status, 404)
})

t.test('preflight requests are answered', async (t) => {
  const preflight = { 'access-control-request-method': 'POST' }
  const flat = await call(app, 'OPTIONS /tweet', {
    headers: { ...preflight, origin: 'https://b.example' },
  })
  t.equal(flat.status, 204)
  t.equal(flat.headers['access-control-allow-origin'], '*')
  t.match(flat.headers['access-control-allow-methods'], 'POST')
  const own = await call(app, 'OPTIONS /v1/tweets', { headers: { ...preflight, ...ORIGIN } })
  t.equal(own.status, 204)
  t.equal(own.headers['access-control-allow-origin'], ORIGIN.origin)
  const foreign = await call(app, 'OPTIONS /v1/tweets', {
    headers: { ...preflight, origin: 'https://b.example' },
  })
  t.notOk(foreign.headers['access-control-allow-origin'])
})

t.test('without CORS, OPTIONS says which methods there are as well', async (t) => {
  const closed = await setUp(t)
  await signUp(closed)
  const headers = { ...ORIGIN, 'access-control-request-method': 'POST' }
  const answer = await call(closed, 'OPTIONS /v1/tweets', { headers })
  t.equal(answer.status, 204)
  t.equal(answer.headers.allow, 'GET, HEAD, OPTIONS, POST')
  t.notOk(answer.headers['access-control-allow-origin'])
})
