import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import deadline from '../../plugins/deadline.ts'
import errors from '../../plugins/errors/index.ts'

/** Milliseconds. */
const LIMIT = 150
const LATE = 4 * LIMIT

const lines: string[] = []
const app = Fastify({
  logger: { level: 'info', stream: { write: (line) => void lines.push(line) } },
  return503OnClosing: false,
})
const signals: AbortSignal[] = []
const noted = ({ cancelled }: FastifyRequest) => {
  signals.push(cancelled)
  return cancelled
}
await app.register(errors)
await app.register(deadline, { limit: LIMIT })
// Hooks of others on an answer take a while.
for (let n = 0; n < 12; n++) app.addHook('onSend', async (_request, _reply, payload) => payload)

app.route({
  method: ['GET', 'POST'],
  url: '/hangs',
  handler: async (request) => {
    noted(request)
    return sleep(LATE, { late: true })
  },
})
app.get('/stops', async (request) => {
  const cancelled = noted(request)
  await once(cancelled, 'abort')
  throw cancelled.reason
})
app.get(
  '/fills-late',
  {
    preSerialization: async (_request, reply, payload) =>
      reply.statusCode === 200 ? sleep(LATE, payload) : payload,
  },
  async () => ({ late: true }),
)
app.get('/fails-late', { onError: async () => sleep(LATE) }, async () => {
  throw new Error('a bug')
})
app.post('/looks-late', { onRequest: async () => sleep(LATE) }, async (request) => request.body)
app.get(
  '/just-in-time',
  { onSend: async (_request, _reply, payload) => sleep(LIMIT, payload) },
  async () => sleep(LIMIT / 2, { a: 1 }),
)
const never = () => new Promise<void>(() => {})
app.get('/never-sends', { onSend: never }, async () => ({ a: 1 }))
app.get('/never-sends-late', { onSend: never }, async () => sleep(LATE, { a: 1 }))
/** The answer of a late handler begins while an `onSend` hook still holds the 503. */
const holds = async (_request: unknown, _reply: unknown, payload: unknown) =>
  sleep(LIMIT / 2, payload)
app.get('/replies-late', { onSend: holds }, async (_request, reply) => {
  await sleep(LIMIT * 1.2)
  return reply.code(201).header('location', '/made').type('text/plain').send('made')
})
app.get('/changes-late', { onSend: holds }, async (_request, reply) => {
  await sleep(LIMIT * 1.2)
  reply.code(204).header('location', '/made').removeHeader('retry-after')
  await sleep(LATE)
})
app.get('/writes-late', { onSend: holds }, async (_request, reply) => {
  await sleep(LIMIT * 1.2)
  reply.hijack()
  reply.raw.writeHead(200).end('made')
})
app.get('/may-take-long', { config: { deadline: 2 * LATE } }, async () => sleep(LATE, { a: 1 }))
app.post('/answers', async (request) => {
  noted(request)
  return request.body
})
app.get('/streams', async (request, reply) => {
  noted(request)
  async function* twice() {
    yield 'a'
    await sleep(LATE)
    yield 'b'
  }
  return reply.send(Readable.from(twice()))
})
app.get('/writes', async (request, reply) => {
  noted(request)
  reply.raw.writeHead(200).write('a')
  await sleep(LATE)
  reply.raw.end('b')
})
app.get('/hijacks', (request, reply) => {
  noted(request)
  reply.hijack()
  reply.raw.writeHead(200).write('a')
  setTimeout(() => reply.raw.end('b'), LATE)
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => app.close())
t.beforeEach(() => {
  lines.splice(0)
  signals.splice(0)
})

const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
const errorLines = () => lines.filter((line) => JSON.parse(line).level >= 50)

t.test('a late answer is 503, with or without a body', async (t) => {
  for (const [path, options] of [
    ['/hangs', {}],
    ['/hangs', post],
    ['/stops', {}],
    ['/fills-late', {}],
  ] as const) {
    const begin = performance.now()
    const answer = await fetch(url + path, options)
    const problem = (await answer.json()) as { code: string }
    t.match([answer.status, problem.code], [503, 'TOO_SLOW'], path)
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    t.match(answer.headers.get('content-type'), /problem\+json/)
    t.ok(performance.now() - begin < LATE, 'in time')
  }
  await sleep(LATE)
  t.strictSame(
    signals.map(({ reason }) => reason?.code),
    ['TOO_SLOW', 'TOO_SLOW', 'TOO_SLOW'],
  )
})

t.test('a late handler changes nothing of a 503 that a hook holds', async (t) => {
  for (const path of ['/replies-late', '/changes-late', '/writes-late']) {
    const answer = await fetch(url + path)
    t.equal(answer.status, 503, path)
    t.match(((await answer.json()) as { code: string }).code, 'TOO_SLOW')
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    t.match(answer.headers.get('content-type'), /problem\+json/)
    t.equal(answer.headers.get('location'), null)
  }
  await sleep(LATE)
  t.equal((await fetch(`${url}/answers`, post)).status, 200, 'other requests are answered')
})

t.test('an onSend that never settles loses its connection', async (t) => {
  for (const path of ['/never-sends', '/never-sends-late']) {
    const outcome = await Promise.race([fetch(url + path).catch(() => 'closed'), sleep(2 * LATE)])
    t.equal(outcome, 'closed', path)
  }
})

t.test('a body that does not come is not waited for', async (t) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('POST /answers HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n')
  socket.write('content-length: 99\r\n\r\n{')
  const answer = String(await buffer(socket))
  t.match(answer, /^HTTP\/1.1 408 .*connection: close.*BODY_TOO_SLOW/is)
  t.strictSame(errorLines(), [], 'not logged as a server error')
})

t.test('a body that has arrived is never 408', async (t) => {
  const body = JSON.stringify({ text: 'x'.repeat(200_000) })
  const answer = await fetch(`${url}/looks-late`, { ...post, body })
  t.match([answer.status, answer.headers.get('connection')], [503, 'close'])
})

t.test('a hanging error hook ends with its connection', async (t) => {
  await t.rejects(fetch(`${url}/fails-late`))
  t.equal((await fetch(`${url}/answers`, post)).status, 200, 'other requests are answered')
  await sleep(LATE)
})

t.test('a request is cancelled when its client disconnects', async (t) => {
  for (const [path, options] of [
    ['/hangs', {}],
    ['/hangs', post],
    ['/streams', {}],
    ['/hijacks', {}],
  ] as const) {
    const leaving = new AbortController()
    const asking = fetch(url + path, { ...options, signal: leaving.signal })
    asking.catch(() => {})
    while (signals.length === 0) await sleep(1)
    const [cancelled = new AbortController().signal] = signals.splice(0)
    setTimeout(() => leaving.abort(), 20)
    await once(cancelled, 'abort')
    t.equal(cancelled.reason.code, 'CLIENT_GONE', path)
  }
  await sleep(LATE)
  t.strictSame(errorLines(), [], 'not logged as a server error')
})

t.test('a request that is answered in time is not cancelled', async (t) => {
  t.strictSame(await (await fetch(`${url}/answers`, post)).json(), { a: 1 })
  t.strictSame((await app.inject({ url: '/answers', ...post, method: 'POST' })).json(), { a: 1 })
  await sleep(2 * LIMIT)
  t.strictSame(
    signals.map(({ aborted }) => aborted),
    [false, false],
  )
})

t.test('an answer that has begun may continue', async (t) => {
  for (const path of ['/streams', '/hijacks', '/writes']) {
    t.equal(await (await fetch(url + path)).text(), 'ab', path)
  }
  t.strictSame(
    signals.map(({ aborted }) => aborted),
    [false, false, false],
  )
  const answer = await fetch(`${url}/just-in-time`)
  t.equal(answer.status, 200)
  t.strictSame(await answer.json(), { a: 1 })
})

t.test('a route may set its own deadline within limits', async (t) => {
  t.equal((await fetch(`${url}/may-take-long`)).status, 200)
  for (const limit of [0, 1.5, 2 ** 31, Number.POSITIVE_INFINITY]) {
    const other = Fastify()
    await other.register(errors)
    await other.register(deadline)
    t.throws(() => other.get('/x', { config: { deadline: limit } }, async () => 'x'), {
      message: /deadline of \/x/,
    })
  }
})
