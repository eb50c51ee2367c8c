import { connect } from 'node:net'
import t from 'tap'
import { call, setUp } from '../../helper.ts'

const ORIGIN = 'https://a.example'
const app = await setUp(t, { CORS_ORIGIN: ORIGIN })
const address = await app.listen({ port: 0, host: '127.0.0.1' })

function say(text: string | Buffer) {
  return new Promise<Response>((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write(text))
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('close', () => {
      const [head = '', body] = answer.split('\r\n\r\n')
      const [line = '', ...fields] = head.split('\r\n')
      const headers = fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2))
      resolve(
        new Response(body, {
          status: Number(line.split(' ')[1]),
          headers: headers as [string, string][],
        }),
      )
    })
    socket.on('error', reject)
  })
}

t.test('an error of the HTTP parser gets an answer like every other', async (t) => {
  const head = `HTTP/1.1\r\nhost: x\r\norigin: ${ORIGIN}\r\nconnection: close\r\n`
  const login = `POST /v1/auth/login ${head}`
  const known = await fetch(`${address}/livez`)
  const cases: [number, string, string | Buffer][] = [
    [400, 'BAD_REQUEST', 'nonsense\r\n\r\n'],
    [400, 'BAD_REQUEST', `GET / ${head}x: \u0000\r\n\r\n`],
    [400, 'BAD_REQUEST', `FROB / ${head}\r\n`],
    [400, 'BAD_REQUEST', 'GET / HTTP/3.0\r\n\r\n'],
    [400, 'BAD_REQUEST', `POST /v1/auth/login ${head}content-length: x\r\n\r\n`],
    [400, 'BAD_REQUEST', `POST /v1/auth/login ${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    [
      400,
      'BAD_REQUEST',
      `${login}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [400, 'BAD_REQUEST', `${login}content-length: 5\r\ncontent-length: 6\r\n\r\n12345`],
    [400, 'BAD_REQUEST', `${login}transfer-encoding: x, chunked\r\n y: z\r\n\r\n0\r\n\r\n`],
    [400, 'BAD_REQUEST', Buffer.from(`GET /v1/users/by-handle/안 ${head}\r\n`)],
    [431, 'HEADERS_TOO_LARGE', `GET / ${head}x: ${'y'.repeat(20_000)}\r\n\r\n`],
    [431, 'HEADERS_TOO_LARGE', `GET /${'y'.repeat(20_000)} ${head}\r\n`],
    [400, 'HOST_MISSING', `GET /livez HTTP/1.1\r\norigin: ${ORIGIN}\r\nconnection: close\r\n\r\n`],
  ]
  for (const [status, code, text] of cases) {
    const label = `${code}: ${text.toString().slice(0, 40)}`
    const answer = await say(text)
    t.equal(answer.status, status, label)
    t.match(answer.headers.get('content-type'), 'application/problem+json', label)
    t.match(answer.headers.get('x-request-id'), /^[0-9a-f-]{36}$/, label)
    t.match(answer.headers.get('access-control-allow-origin'), /^(\*|https:\/\/a\.example)$/, label)
    t.match(answer.headers.get('access-control-expose-headers'), 'x-request-id', label)
    t.equal(answer.headers.get('cache-control'), 'no-store', label)
    t.equal(
      answer.headers.get('x-content-type-options'),
      known.headers.get('x-content-type-options'),
      label,
    )
    const { detail, title, ...problem } = (await answer.json()) as Record<string, string>
    t.strictSame(problem, { type: 'about:blank', status, code }, label)
    t.ok(detail && title, label)
  }
  t.equal((await fetch(`${address}/livez`)).status, 200)
})

t.test('an unknown expectation is ignored', async (t) => {
  const answer = await say(
    'GET /livez HTTP/1.1\r\nhost: x\r\nexpect: tea\r\nconnection: close\r\n\r\n',
  )
  t.equal(answer.status, 200)
})

t.test('a URL whose percent-encoding is no UTF-8 is 400, in path and query', async (t) => {
  for (const path of [
    '/v1/users/%',
    '/v1/users/%zz',
    '/v1/users/%ff',
    '/v1/users/by-handle/%c3%28',
    '/v1/hashtags/%b0%a1/tweets',
    '/v1/hashtags/%c0%af/tweets',
    '/v1/hashtags/%ed%a0%80/tweets',
    '/v1/tweets?cursor=%ff',
    '/v1/tweets?limit=1&%ff=1',
    '/v1/tweets?cursor=100%',
    '/nowhere/%ff',
    '/%ff',
  ]) {
    const { status, headers, body } = await call(app, `GET ${path}`, {
      headers: { origin: ORIGIN },
    })
    t.equal(status, 400, path)
    t.match(body, { status: 400, code: 'INVALID_URL', detail: /percent-encod/ }, path)
    t.match(headers['content-type'], 'application/problem+json', path)
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, path)
    t.equal(headers['access-control-allow-origin'], ORIGIN, path)
    t.equal(headers['x-content-type-options'], 'nosniff', path)
  }
  for (const path of ['/profile-picture/s3/%ff', '/timeline?cursor=%ff']) {
    const flat = await call(app, `GET ${path}`, { headers: { origin: 'https://b.example' } })
    t.equal(flat.status, 400, path)
    t.match(flat.headers['content-type'], 'text/plain', path)
    t.equal(flat.headers['access-control-allow-origin'], '*', path)
  }
  t.equal((await call(app, 'GET /v1/hashtags/%EC%95%88%25/tweets')).status, 404, 'no hashtag')
  t.equal((await call(app, 'GET /v1/hashtags/%EC%95%88/tweets')).status, 200)
})

t.test('how long a part of a path may be is what its schema says', async (t) => {
  const headers = { origin: ORIGIN }
  const tag = (length: number) =>
    call(app, `GET /v1/hashtags/%23${'a'.repeat(length)}/tweets`, { headers })
  t.equal((await tag(100)).status, 200)
  const long = await tag(8_000)
  t.equal(long.status, 400)
  t.match(long.body.errors, [{ path: '/params/tag' }])
  t.equal(long.headers['access-control-allow-origin'], ORIGIN)
})

t.test('an error after the head of a response adds no second response', async (t) => {
  const app = await setUp(t)
  app.server.prependListener('request', (request, response) => {
    if (request.url === '/livez?held') response.write('held')
  })
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
  const received = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /livez?held HTTP/1.1\r\nhost: a.example\r\n\r\n'),
    )
    socket.once('data', () => socket.write('garbage\r\n\r\n'))
    socket.on('data', (data) => {
      text += data
    })
    socket.on('close', () => resolve(text))
  })
  t.equal(received.match(/HTTP\/1\.1 /g)?.length, 1)
})
