import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build } from '../../app.ts'
import { call, settings, signUp } from '../helper.ts'
import { startMysqlFaultProxy } from '../mysql-fault-proxy.ts'

t.test('a database that refuses BEGIN or writes for a while is used again', async (t) => {
  const env = await settings(t)
  const url = new URL(env.DATABASE_URL ?? '')
  const relay = await startMysqlFaultProxy(Number(url.port))
  url.port = String(relay.port)
  const app = await build({ ...env, DATABASE_URL: url.href })
  t.teardown(async () => {
    await app.close()
    relay.stop()
  })
  const user = await signUp(app)
  const send = () => call(app, 'POST /v1/tweets', { as: user, body: { text: 'hello' } })

  relay.refuse(/^begin/i)
  // More than the pool has connections.
  for (let i = 0; i < 30; i++) {
    const { status, headers } = await send()
    if (status !== 503 || !headers['retry-after']) return t.fail(`${status} on request ${i}`)
  }
  relay.refuse(undefined)
  t.equal((await send()).status, 201)
  t.equal((await call(app, 'GET /v1/tweets')).body.items.length, 1)

  for (const errno of [1290, 1792, 1836]) {
    const closed = relay.closed()
    relay.refuse(/insert into `tweets`/i, errno, 'read-only')
    t.equal((await send()).status, 503, `${errno}`)
    relay.refuse(undefined)
    t.equal((await send()).status, 201)
    for (let waits = 0; relay.closed() === closed && waits < 100; waits++) await sleep(10)
    t.equal(relay.closed(), closed + 1, 'a new connection may lead to the new primary')
  }
})
