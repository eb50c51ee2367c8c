import fc from 'fast-check'
import t from 'tap'
import { call, setUp, signUp, tweet } from '../helper.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

t.test('requests are validated', async (t) => {
  const app = await setUp(t, { TRUST_PROXY: 'true' })
  const user = await signUp(app)
  const send = (payload: string) =>
    app.inject({
      method: 'POST',
      url: '/v1/tweets',
      headers: { ...JSON_TYPE, authorization: `Bearer ${user.token}` },
      payload,
    })

  t.test('a 400 names every problem of a body, including unknown fields', async (t) => {
    const body = { email: 7, password: 'short', nickname: 'x' }
    const answer = await call(app, 'POST /v1/auth/sign-up', { body })
    t.equal(answer.status, 400)
    t.equal(answer.body.code, 'VALIDATION_FAILED')
    const paths = answer.body.errors.map((error: { path: string }) => error.path).sort()
    t.strictSame(paths, ['/body/email', '/body/name', '/body/nickname', '/body/password'])
  })

  t.test('bodies are validated without coercion, queries are coerced', async (t) => {
    t.equal((await send('{"text":5}')).statusCode, 400)
    t.equal((await call(app, 'GET /v1/tweets?limit=5')).status, 200)
    for (const limit of ['0', '101', '1.5', 'x']) {
      t.match((await call(app, `GET /v1/tweets?limit=${limit}`)).body.errors, [
        { path: '/query/limit' },
      ])
    }
    t.equal((await call(app, 'GET /v1/tweets?page=2')).status, 400)
  })

  t.test('a number in a path or query has one spelling', async (t) => {
    const { id } = await tweet(app, user)
    const spellings = [`0x${id.toString(16)}`, `0${id}`, `${id}.0`, `%20${id}`, `${id}%20`]
    for (const spelling of [...spellings, `+${id}`, `%2B${id}`, `${id}e0`, `${id}.`, '-0', '']) {
      for (const path of [
        `/v1/tweets/${spelling}`,
        `/v1/users/${spelling}`,
        `/v1/tweets?limit=${spelling}`,
        `/view-data?id=${spelling}`,
        `/profile-picture/s3/${spelling}`,
      ]) {
        if (path.endsWith('/')) continue
        t.equal((await call(app, `GET ${path}`)).status, 400, path)
      }
    }
    t.equal((await call(app, `GET /v1/tweets/${id}`)).status, 200)
    t.match((await call(app, 'GET /v1/tweets?limit=01&color=red')).body.errors, [
      { path: '/query/color' },
      { path: '/query/limit', message: 'must be written as 1' },
    ])
  })

  t.test('a limit must be a canonical number within its range', async (t) => {
    const nearlyNumbers = fc.string({
      unit: fc.constantFrom(...'0129.-+exb_n ,%٣１'),
      maxLength: 4,
    })
    const spellings = fc.oneof(nearlyNumbers, fc.integer({ min: -5, max: 105 }).map(String))
    const allowed = new Set(Array.from({ length: 100 }, (_, i) => String(i + 1)))
    const judged = fc.asyncProperty(spellings, async (limit) => {
      const url = `/v1/tweets?limit=${encodeURIComponent(limit)}`
      return (await app.inject(url)).statusCode === (allowed.has(limit) ? 200 : 400)
    })
    await t.resolves(fc.assert(judged, { numRuns: 500 }))
  })

  t.test('a query parameter that is sent twice is refused', async (t) => {
    const { status, body } = await call(app, 'GET /v1/tweets?limit=1&limit=2')
    t.equal(status, 400)
    t.match(body.errors, [{ path: '/query/limit' }])
  })

  t.test('malformed JSON is a 400 that says so', async (t) => {
    for (const payload of ['{', '{"text":}', '{"__proto__":{"a":1},"text":"x"}']) {
      const answer = await send(payload)
      t.equal(answer.statusCode, 400, payload)
      t.match(answer.headers['content-type'], 'application/problem+json')
    }
    t.match((await send('')).json().errors, [{ path: '/body' }])
  })

  t.test('a JSON Content-Type without a body is allowed if no body is needed', async (t) => {
    const { id } = await tweet(app, user)
    t.equal(
      (await call(app, `PUT /v1/tweets/${id}/like`, { as: user, headers: JSON_TYPE })).status,
      204,
    )
  })

  t.test('a malformed forwarded address is harmless', async (t) => {
    const headers = { 'x-forwarded-for': 'x'.repeat(300) }
    const body = { email: user.email, password: user.password }
    t.equal((await call(app, 'POST /v1/auth/login', { body, headers })).status, 200)
  })
})

t.test('text/plain is not read as JSON', async (t) => {
  const app = await setUp(t)
  const headers = { 'content-type': 'text/plain' }
  const answer = await app.inject({ method: 'POST', url: '/v1/auth/login', headers, payload: '{}' })
  t.equal(answer.statusCode, 415)
  t.equal(answer.json().code, 'UNSUPPORTED_MEDIA_TYPE')
})

t.test('names and passwords match in any Unicode form, and tokens are not cached', async (t) => {
  const app = await setUp(t)
  const password = '비밀번호는 비밀이다'
  const user = await signUp(app, '  홍길동\u0020'.normalize('NFD'), {
    password: password.normalize('NFD'),
  })
  const body = { email: user.email, password }
  const answer = await call(app, 'POST /v1/auth/login', { body })
  t.equal(answer.body.user.name, '홍길동')
  t.equal(answer.headers['cache-control'], 'no-store')
})
