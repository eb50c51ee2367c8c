import t from 'tap'
import { settings } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

const server = await spawnServer(t, { ...(await settings(t)), LOG_LEVEL: 'info' })
await server.ready()

type Line = { msg: string; reqId?: string; userId?: number; req?: { url: string } }

/** The lines about a request, once it has been answered. */
async function linesOf(path: string, init: RequestInit = {}) {
  const answer = await fetch(server.url + path, init)
  const id = answer.headers.get('x-request-id')
  const body = (await answer.json()) as { accessToken: string; user: { id: number } }
  const lines = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Line => JSON.parse(line))
      .filter(({ reqId }) => reqId === id)
  while (!lines().some(({ msg }) => msg === 'request completed')) await answered()
  return { status: answer.status, body, lines: lines() }
}

const answered = () => new Promise((resolve) => server.child.stdout?.once('data', resolve))

const post = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

t.test('each line about a request of a signed-in user has the id of the user', async (t) => {
  const person = { name: 'Ann', email: 'ann@example.com', password: 'xK4-tulip-row' }
  const { body } = await linesOf('/v1/auth/sign-up', post(person))
  const authorization = `Bearer ${body.accessToken}`
  const userId = body.user.id
  const fine = await linesOf('/v1/users/me', { headers: { authorization } })
  t.match(fine.lines.at(-1), { msg: 'request completed', userId })
  const refused = await linesOf('/v1/media/1', { headers: { authorization } })
  t.equal(refused.status, 404)
  t.match(refused.lines.slice(-2), [
    { msg: 'request refused', userId },
    { msg: 'request completed', userId },
  ])
  const anonymous = await linesOf('/v1/tweets')
  t.notOk(anonymous.lines.some((line) => line.userId !== undefined))
})

t.test('a long query is shortened in the log', async (t) => {
  const { lines } = await linesOf(`/v1/tweets?cursor=${'x'.repeat(15_000)}`)
  t.match(lines[0]?.req?.url, /^\/v1\/tweets\?cursor=x+\.\.\.$/)
  t.ok(JSON.stringify(lines).length < 3_000, `${JSON.stringify(lines).length} bytes`)
})

t.test('a token in a query is hidden in the log', async (t) => {
  const { lines } = await linesOf('/v1/nothing?a=1&access_token=s3cret&b=2')
  t.match(lines[0]?.req, { url: '/v1/nothing?a=1&access_token=[hidden]&b=2' })
  t.notMatch(JSON.stringify(lines), /s3cret/)
})

t.test('a client cannot add a line to the log', async (t) => {
  const forged = `/v1/tweets?cursor=${encodeURIComponent('\n{"level":30,"msg":"forged"}\u2028')}`
  const { lines } = await linesOf(forged)
  t.ok(lines.length > 0)
  t.notOk(server.output().includes('\n{"level":30,"msg":"forged"}'))
})

t.test('the trace ids that a proxy or a client sends are in the log', async (t) => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const amznTraceId = 'Root=1-67891233-abcdef012345678912345678'
  const { lines } = await linesOf('/v1/tweets', {
    headers: { traceparent, 'x-amzn-trace-id': amznTraceId },
  })
  t.match(lines[0]?.req, { traceparent, amznTraceId })
  const plain = await linesOf('/v1/tweets')
  t.notOk('traceparent' in (plain.lines[0]?.req ?? {}))
})
