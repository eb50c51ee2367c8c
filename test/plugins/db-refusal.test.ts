import { setTimeout as sleep } from 'node:timers/promises'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { isUnavailable } from '../../plugins/db/errors.ts'
import { createPatience } from '../../plugins/db/patience.ts'
import { call, settings, signUp } from '../helper.ts'
import { startMysqlFaultProxy } from '../mysql-fault-proxy.ts'

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
const { users } = app.tables
let sent = 0
const send = () => call(app, 'POST /v1/tweets', { as: user, body: { text: `hello ${sent++}` } })
const shown = async () => (await call(app, 'GET /v1/tweets?limit=100')).body.items.length

/** Lets the relay refuse such statements until it has refused some. */
async function refuseFor(statements: RegExp, errno?: number) {
  const before = relay.refusals()
  relay.refuse(statements, errno)
  while (relay.refusals() < before + 2) await sleep(10)
  relay.refuse(undefined)
}

t.test('writes wait for a database that refuses statements for a while', async (t) => {
  // 1047: a cluster elects a primary. The others: the server has become a replica.
  for (const errno of [1047, 1290, 1792, 1836, 3100]) {
    for (const statements of [/^begin/i, /insert into `tweets`/i, /commit$/i]) {
      const [closed, before] = [relay.closed(), await shown()]
      const refusing = refuseFor(statements, errno)
      t.equal((await send()).status, 201, `${errno} ${statements}`)
      await refusing
      t.equal(await shown(), before + 1, 'written once')
      for (let waits = 0; relay.closed() === closed && waits < 100; waits++) await sleep(10)
      t.ok(relay.closed() > closed, 'a new connection may lead to the new primary')
    }
  }
})

t.test('no connection of the pool is lost by refusals', async (t) => {
  const before = await shown()
  relay.refuse(/^begin/i)
  // More than the pool has connections.
  const sending = Promise.all(Array.from({ length: 30 }, send))
  while (relay.refusals() < 60) await sleep(10)
  relay.refuse(undefined)
  t.same(new Set((await sending).map(({ status }) => status)), new Set([201]))
  t.equal(await shown(), before + 30)
})

t.test('a COMMIT without an answer is not sent again', async (t) => {
  const before = await shown()
  const reached = relay.reach(/insert into `tweets`.*commit$/is, 'after')
  const sending = send()
  await reached
  relay.cut()
  const { status, headers } = await sending
  t.equal(status, 503)
  t.ok(headers['retry-after'])
  t.equal(await shown(), before + 1, 'it had been committed')
})

t.test('a transaction that is cut off before its COMMIT runs again', async (t) => {
  let runs = 0
  const renamed = app.transaction(async (tx) => {
    runs++
    await tx
      .update(users)
      .set({ name: `Ann ${runs}` })
      .where(eq(users.id, user.id))
    if (runs === 1) relay.cut()
    return (await tx.select({ name: users.name }).from(users).where(eq(users.id, user.id)))[0]?.name
  })
  t.equal(await renamed, 'Ann 2')
})

t.test(
  'outside of a transaction a read that is cut off runs again, a write does not',
  async (t) => {
    const reading = app.db.execute(sql`SELECT SLEEP(0.3) AS slept`)
    await sleep(100)
    relay.cut()
    t.match(await reading, [[{ slept: 0 }]])
    const [caughtUp] = await Promise.all([
      app.db.execute(sql`SELECT 'caught up' AS node`),
      refuseFor(/caught up/, 1205),
    ])
    t.match(caughtUp, [[{ node: 'caught up' }]], 'a node that was late')

    const writing = app.db.execute(
      sql`UPDATE users SET name = 'Ben' WHERE id = ${user.id} AND SLEEP(0.3) = 0`,
    )
    await sleep(100)
    relay.cut()
    await t.rejects(writing, 'it may have been done')
  },
)

t.test('the database has a few seconds; then work fails at once until it is back', async (t) => {
  const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', errno: -111 })
  let [tries, isBack] = [0, false]
  const client = {
    query: async () => {
      tries++
      if (!isBack) throw away
      return 'rows'
    },
  }
  const { patient, transaction } = createPatience(300)
  const { query } = patient(client as never)
  await t.rejects(query({ sql: 'SELECT 1' }), away)
  t.ok(tries > 1)
  tries = 0
  await t.rejects(query({ sql: 'SELECT 1' }), away)
  t.equal(tries, 1, 'requests do not pile up')
  isBack = true
  t.equal(await query({ sql: 'SELECT 1' }), 'rows')
  await t.rejects(
    transaction(() => Promise.reject(away)),
    away,
    'a write may have been done',
  )
  t.ok(isUnavailable(away))
})
