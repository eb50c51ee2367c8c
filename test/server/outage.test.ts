import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import { test } from 'tap'
import { startDatabase } from '../database.ts'
import { call, read, setUp, signUp, tweet } from '../helper.ts'
import { temporaryFolder } from './spawn.ts'

/** Below those that systems hand out: no other test's server takes it while ours is away. */
const keptPort = () => getPort({ port: 20_000 + randomInt(10_000), host: '127.0.0.1' })

test('the server recovers from a database restart', async (t) => {
  const folder = temporaryFolder(t)
  const first = await startDatabase({ folder, volatile: true, port: await keptPort() })
  t.teardown(first.stop)
  const app = await setUp(t, { DATABASE_URL: first.url })
  const user = await signUp(app)
  const { id } = await tweet(app, user)
  const done: number[] = []
  app.jobs.define('test.note', async ({ n }: { n: number }) => void done.push(n))

  const outcomes = new Map<number, number>()
  let slowest = 0
  let over = false
  t.teardown(() => {
    over = true
  })
  const ask = async (line: string, options = {}) => {
    const begin = performance.now()
    const answer = await call(app, line, { as: user, ...options })
    slowest = Math.max(slowest, performance.now() - begin)
    outcomes.set(answer.status, (outcomes.get(answer.status) ?? 0) + 1)
    if (answer.status < 500) return
    if (answer.body.code !== 'DATABASE_UNAVAILABLE' || !answer.headers['retry-after'])
      t.fail(`${line}: ${JSON.stringify(answer.body)}`)
  }
  const client = async (line: string, options?: () => object) => {
    for (; !over; await sleep(5)) await ask(line, options?.())
  }
  const clients = [
    client('GET /v1/tweets'),
    client('GET /v1/timeline'),
    client('GET /v1/users/me'),
    client(`PUT /v1/tweets/${id}/like`),
    client(`DELETE /v1/tweets/${id}/like`),
    client('POST /v1/tweets', () => ({
      body: { text: 'still here' },
      headers: { 'idempotency-key': crypto.randomUUID() },
    })),
    client('POST /v1/auth/login', () => ({ body: { email: user.email, password: user.password } })),
  ]
  await sleep(500)
  await first.stop()
  const readiness = await call(app, 'GET /readyz')
  t.equal(readiness.status, 200, 'a load balancer keeps the process')
  t.match(readiness.body, { status: 'degraded', checks: { database: 'failed' } })
  await sleep(1_500)
  const second = await startDatabase({ folder, volatile: true, port: first.port })
  t.teardown(second.stop)
  await app.transaction((tx) => app.jobs.add(tx, ['test.note'], { n: 1 }))
  await sleep(500)
  outcomes.set(503, outcomes.get(503) ?? 0)
  const failedBefore = outcomes.get(503)
  await sleep(500)
  over = true
  await Promise.all(clients)
  t.comment(Object.fromEntries(outcomes), `slowest ${Math.round(slowest)} ms`)
  t.same(
    [...outcomes.keys()].filter((status) => status >= 500),
    [503],
  )
  t.ok((failedBefore ?? 0) <= clients.length, 'nothing fails but a COMMIT without an answer')
  t.equal(outcomes.get(503), failedBefore, 'no request fails afterwards')
  t.ok(slowest > 1_500, 'the others waited')

  t.equal((await call(app, 'GET /readyz')).status, 200)
  t.equal((await read(app, `/v1/tweets/${id}`)).id, id)
  for (let waits = 0; done.length === 0 && waits < 600; waits++) await sleep(25)
  t.same(done, [1], 'jobs go on as well')
})

test('a dead or hanging database gives 503', async (t) => {
  const folder = temporaryFolder(t)
  // Not volatile: what was committed a moment ago is asked for after a kill.
  const database = await startDatabase({ folder, port: await keptPort() })
  t.teardown(database.stop)
  const app = await setUp(t, { DATABASE_URL: database.url })
  const user = await signUp(app)

  process.kill(database.pid, 'SIGSTOP')
  // Its threads stop one after the other.
  await sleep(100)
  const begin = performance.now()
  const readiness = await call(app, 'GET /readyz')
  process.kill(database.pid, 'SIGCONT')
  t.equal(readiness.body.checks.database, 'failed')
  t.ok(performance.now() - begin < 2_500, 'readiness is told in time')
  t.equal((await call(app, 'GET /v1/users/me', { as: user })).status, 200)

  database.kill()
  t.equal((await call(app, 'GET /readyz')).status, 200)
  for (const line of ['GET /v1/users/me', 'GET /v1/timeline', 'GET /v1/tweets']) {
    const answer = await call(app, line, { as: user })
    t.equal(answer.status, 503)
    t.match(answer.headers, { 'content-type': /problem\+json/, 'retry-after': /\d/ })
  }
  t.match(
    await call(app, 'GET /readyz'),
    { status: 503, body: { status: 'unavailable' } },
    'as long as the first request waited',
  )
  const again = await startDatabase({ folder, port: database.port })
  t.teardown(again.stop)
  t.equal((await call(app, 'GET /v1/users/me', { as: user })).status, 200)
  t.equal((await call(app, 'GET /readyz')).status, 200)
})
