import t from 'tap'
import { extensionFolders, index, refusals } from '../extension-folder.ts'
import { call, settings, setUp } from '../helper.ts'
import { operationsOf } from '../undocumented.ts'

// An extension that speaks an API with rules of its own, for clients of another service.

const chirp = index(
  `
  app.dialect(app, {
    below: ['/chirp'],
    error: ({ status, code, detail }) => ({ oops: detail, code, status }),
  })
  app.post('/chirp/echo', {
    bodyLimit: 100,
    schema: { querystring: { type: 'object', properties: { n: { type: 'integer' } } } },
  }, async ({ body, query }) => ({ body, query }))
  app.get('/chirp/slow', { config: { deadline: 50 } }, () => new Promise(() => {}))
`,
  "export const kernel = '*'; export const prefixOverride = ''",
)

const app = await setUp(t, { EXTENSIONS: extensionFolders(t)('chirp', { 'index.js': chirp }) })
const origin = { origin: 'https://client.example' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const post = (url: string, payload: string, headers: object = form) =>
  app.inject({ method: 'POST', url, payload, headers: { ...origin, ...headers } })

t.test('a dialect reads forms, JSON and queries alike', async (t) => {
  const sent = await post('/chirp/echo?n=3&ids[]=1&ids[]=2', 'tags[]=a&name=%ED%95%9C&x=1&x=2')
  t.strictSame(sent.json(), {
    body: { tags: ['a'], name: '한', x: ['1', '2'] },
    query: { n: 3, ids: ['1', '2'] },
  })
  const json = await post('/chirp/echo', '{"tags[]":["a"],"name":null}', {
    'content-type': 'application/json',
  })
  t.strictSame(json.json().body, { tags: ['a'] })
})

t.test('a path may end with a slash', async (t) => {
  t.equal((await post('/chirp/echo/', 'a=1')).statusCode, 200)
})

t.test(
  'every error has the form of the dialect, and pages of any origin may read it',
  async (t) => {
    const errors = [
      [404, 'ROUTE_NOT_FOUND', await call(app, 'GET /chirp/nothing', { headers: origin })],
      [404, 'ROUTE_NOT_FOUND', await call(app, 'GET /chirp', { headers: origin })],
      [405, 'METHOD_NOT_ALLOWED', await call(app, 'DELETE /chirp/echo', { headers: origin })],
      [400, 'INVALID_URL', await call(app, 'GET /chirp/%zz', { headers: origin })],
    ] as const
    for (const [status, code, answer] of errors) {
      t.match(answer, { status, body: { status, code, oops: String } }, code)
      t.equal(answer.headers['access-control-allow-origin'], '*', code)
    }
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const slow = await fetch(`${address}/chirp/slow`, { headers: origin })
    t.match(await slow.json(), { code: 'TOO_SLOW', status: 503 })
    t.equal(slow.headers.get('access-control-allow-origin'), '*')
    const large = await post('/chirp/echo', `a=${'x'.repeat(200)}`)
    t.match(large.json(), { code: 'BODY_TOO_LARGE', status: 413 })
    t.match((await post('/chirp/echo?n=x', '')).json(), { code: 'VALIDATION_FAILED' })
    t.equal((await call(app, 'GET /v1/nothing')).body.type, 'about:blank', 'others keep theirs')
  },
)

t.test('a page of any origin may ask first, also for an unknown path', async (t) => {
  for (const url of ['/chirp/echo', '/chirp/nothing']) {
    const headers = { ...origin, 'access-control-request-method': 'POST' }
    const answer = await app.inject({ method: 'OPTIONS', url, headers })
    t.equal(answer.statusCode, 204, url)
    t.equal(answer.headers['access-control-allow-origin'], '*', url)
  }
})

t.test('routes of a dialect are not in the document', async (t) => {
  t.notOk(operationsOf(app).some(({ route }) => route.includes('chirp')))
})

t.test('a dialect cannot take paths of others', async (t) => {
  const greedy = chirp.replace("below: ['/chirp']", "below: ['/v1']")
  const start = refusals(await settings(t))
  const message = await start(t, [extensionFolders(t)('greedy', { 'index.js': greedy })])
  t.match(message, /Extension greedy: a dialect also takes unknown paths below \/v1\//)
})
