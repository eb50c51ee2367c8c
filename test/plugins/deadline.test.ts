import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import deadline from '../../plugins/deadline.ts'
import errors from '../../plugins/errors.ts'

/** Milliseconds. */
const LIMIT = 150
const LATE = 2 * LIMIT

const lines: string[] = []
const app = Fastify({
  logger: { level: 'info', stream: { write: (line) => void lines.push(line) } },
  return503OnClosing: false,
})
const signals: AbortSignal[] = []
await app.register(errors)
await app.register(deadline, { limit: LIMIT })
app.route({
  method: ['GET', 'POST'],
  url: '/hangs',
  handler: async ({ abandoned }) => {
    signals.push(abandoned)
    await sleep(LATE)
    abandoned.throwIfAborted()
    return { late: true }
  },
})
app.get('/takes-no-notice', async () => sleep(LATE, { late: true }))
app.post('/answers', async (request) => {
  signals.push(request.abandoned)
  return request.body
})
app.get(
  '/fills-late',
  {
    preSerialization: async (_request, reply, payload) =>
      reply.statusCode === 200 ? sleep(LATE, payload) : payload,
  },
  async () => ({ late: true }),
)
app.get('/streams', (_request, reply) => {
  reply.hijack()
  reply.raw.writeHead(200).write('a')
  setTimeout(() => reply.raw.end('b'), LATE)
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => app.close())

const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }

t.test('who waits too long is told to come back, with a body or without', async (t) => {
  for (const [path, options] of [
    ['/hangs', {}],
    ['/hangs', post],
    ['/takes-no-notice', {}],
    ['/fills-late', {}],
  ] as const) {
    const begin = performance.now()
    const answer = await fetch(url + path, options)
    const problem = (await answer.json()) as { code: string }
    t.match([answer.status, problem.code], [503, 'TOO_SLOW'], path)
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    t.ok(performance.now() - begin < LATE, 'in time')
  }
  await sleep(LATE)
  t.equal(signals.length, 2)
  for (const { aborted, reason } of signals.splice(0)) {
    t.ok(aborted)
    t.equal(reason.code, 'TOO_SLOW')
  }
})

t.test('who goes away is noticed, with a body or without', async (t) => {
  lines.splice(0)
  for (const options of [{}, post]) {
    const signal = AbortSignal.timeout(LIMIT / 2)
    await t.rejects(fetch(`${url}/hangs`, { ...options, signal }))
    await sleep(LATE)
    const [abandoned] = signals.splice(0)
    t.equal(abandoned?.reason.code, 'CLIENT_GONE')
  }
  t.notOk(
    lines.some((line) => JSON.parse(line).level >= 50),
    'and is no error of ours',
  )
})

t.test('what is answered in time is never abandoned', async (t) => {
  const answer = await fetch(`${url}/answers`, post)
  t.strictSame(await answer.json(), { a: 1 })
  await sleep(LATE)
  const [abandoned] = signals.splice(0)
  t.equal(abandoned?.aborted, false)
})

t.test('what has begun may go on', async (t) => {
  t.equal(await (await fetch(`${url}/streams`)).text(), 'ab')
})
