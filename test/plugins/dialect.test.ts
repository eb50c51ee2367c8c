import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { extensionFolders, index, refusals } from '../extension-folder.ts'
import { call, settings, setUp } from '../helper.ts'
import { formWith, uploadedFiles } from '../multipart.ts'
import { operationsOf } from '../undocumented.ts'

// An extension that speaks an API with rules of its own, for clients of another service.

const chirp = index(
  `
  const { readFile } = await import('node:fs/promises')
  app.dialect(app, {
    below: ['/chirp'],
    error: ({ status, code, detail }) => ({ oops: detail, code, status }),
  })
  app.post('/chirp/echo', {
    bodyLimit: 100,
    schema: { querystring: { type: 'object', properties: { n: { type: 'integer' } } } },
  }, async ({ body, query }) => ({ body, query }))
  app.post('/chirp/pictures', {
    config: { files: ['small', 'large'] },
    schema: { body: { type: 'object', properties: { n: { type: 'integer' }, yes: { type: 'boolean' } } } },
  }, async ({ body, uploads }) => {
    const sizes = Object.entries(uploads).map(async ([name, { file }]) => [name, (await readFile(file)).length])
    return { body, sizes: Object.fromEntries(await Promise.all(sizes)) }
  })
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
    body: { n: '3', ids: ['1', '2'], tags: ['a'], name: '한', x: ['1', '2'] },
    query: { n: 3, ids: ['1', '2'] },
  })
  const nested = await post('/chirp/echo', 'a[0][b]=1&a[1][b]=2&c[d][]=3&__proto__[e]=4')
  t.strictSame(nested.json().body, { a: [{ b: '1' }, { b: '2' }], c: { d: ['3'] } })
  const json = await post('/chirp/echo', '{"tags[]":["a"],"name":null}', {
    'content-type': 'application/json',
  })
  t.strictSame(json.json().body, { tags: ['a'] })
})

const send = (path: string, ...parts: Parameters<typeof formWith>) =>
  call(app, `POST ${path}`, { body: formWith(...parts) })
const file = (size: number) => new Blob(['x'.repeat(size)])

t.test('a form may be multipart, with and without files', async (t) => {
  const { body } = await send('/chirp/echo', ['tags[]', 'a'], ['name', '한'])
  t.strictSame(body.body, { tags: ['a'], name: '한' })
  t.match(await send('/chirp/echo', ['picture', file(9)]), {
    status: 400,
    body: { code: 'FILE_UNEXPECTED' },
  })
  const path = '/chirp/pictures'
  const both = await send(path, ['n', '3'], ['large', file(9)], ['small', file(3)])
  t.strictSame(both.body, { body: { n: 3 }, sizes: { large: 9, small: 3 } })
  for (const [said, yes] of [
    ['True', true],
    ['on', true],
    ['0', false],
  ] as const)
    t.strictSame((await send(path, ['yes', said])).body, { body: { yes }, sizes: {} })
  const json = await call(app, `POST ${path}`, { body: { n: 3 } })
  t.strictSame(json.body, { body: { n: 3 }, sizes: {} })
  const refused = [
    await send(path, ['n', 'x']),
    await send(path, ['small', file(3)], ['small', file(3)]),
    await send(path, ...Array.from({ length: 51 }, () => ['n', '1'] as [string, string])),
    await send(path, ['large', file(9_000_000)]),
  ]
  t.strictSame(
    refused.map(({ body }) => body.code),
    ['VALIDATION_FAILED', 'FILE_UNEXPECTED', 'TOO_MANY_FIELDS', 'FILE_TOO_LARGE'],
  )
  for (let n = 0; uploadedFiles(process.pid).length > 0 && n < 100; n++) await sleep(10)
  t.strictSame(uploadedFiles(process.pid), [], 'every file is deleted after the answer')
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

/** Sends a body without an end, until there is an answer and the connection is closed. */
function flood(path: string, length: string, begin: string) {
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  const type = 'multipart/form-data; boundary=b'
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`)
  const more = () => {
    if (length.startsWith('T')) while (socket.write(chunk('x'.repeat(65_536))));
  }
  if (length.startsWith('T')) socket.write(chunk(begin), more)
  let answer = ''
  socket.on('drain', more)
  // The server closes a connection on which more arrives.
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    answer += bytes
  })
  return new Promise<{ status: number; sent: number }>((resolve) => {
    socket.once('close', () =>
      resolve({ status: Number(answer.slice(9, 12)), sent: socket.bytesWritten }),
    )
  })
}

t.test('a body that is far too large is refused before it has arrived', async (t) => {
  const part = (name: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${name === 'n' ? '' : '; filename="a"'}\r\n\r\n`
  const chunked = 'Transfer-Encoding: chunked'
  for (const [status, path, length, begin] of [
    [413, '/chirp/pictures', 'Content-Length: 500000000', ''],
    [413, '/chirp/echo', 'Content-Length: 500000000', ''],
    [413, '/chirp/pictures', chunked, part('large')],
    [400, '/chirp/pictures', chunked, part('n')],
    [413, '/chirp/pictures', chunked, 'in no part'],
  ] as const) {
    const answer = await flood(path, length, begin)
    // Bytes that still arrive may reset the connection before the answer is read.
    const expected = length === chunked ? [status, 0] : [status]
    t.ok(expected.includes(answer.status), `${answer.status}: ${path} ${length} ${begin}`)
    t.comment(`${answer.sent} bytes were sent`)
  }
  for (let n = 0; uploadedFiles(process.pid).length > 0 && n < 100; n++) await sleep(10)
  t.strictSame(uploadedFiles(process.pid), [], 'no file is left')
})

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
