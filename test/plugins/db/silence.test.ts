import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { call, read, settings, setUp, signUp } from '../../helper.ts'
import { startTcpProxy } from '../../tcp-proxy.ts'

const env = await settings(t)
const relay = await startTcpProxy(t, env.DATABASE_URL ?? '')
const app = await setUp(t, { ...env, DATABASE_URL: relay.url })
const ada = await signUp(app, 'Ada')

t.test('connections whose host has vanished are replaced', async (t) => {
  // As many connections as the pool has are open and idle.
  await Promise.all(Array.from({ length: 20 }, () => app.db.execute(sql`SELECT SLEEP(0.2)`)))
  relay.swallow()
  const send = () => call(app, 'POST /v1/tweets', { as: ada, body: { text: 'hello' } })
  const lost = await Promise.all([send(), call(app, 'GET /v1/timeline', { as: ada })])
  t.strictSame(
    lost.map(({ status }) => status),
    [201, 200],
  )
  for (let n = 0; n < 25; n++) t.equal((await send()).status, 201)
  t.equal((await call(app, 'GET /readyz')).status, 200)
})

t.test('a long statement is left alone', async (t) => {
  const [[row]] = (await app.db.execute(sql`SELECT SLEEP(9) AS slept`)) as any
  t.equal(row.slept, 0)
  await sleep(5_000)
  t.equal((await read(app, '/v1/users/me', ada)).id, ada.id, 'as is a connection without work')
})
