import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { build } from '../../app.ts'
import type { Env } from '../../plugins/config/index.ts'
import { type App, call, settings, signUp } from '../helper.ts'
import { redisMissing, startRedis } from '../redis.ts'

/** Two apps on one database, as two processes are. */
async function twoApps(t: Test, env: Env) {
  const both = { ...(await settings(t)), ...env }
  const apps = [await build(both), await build(both)] as [App, App]
  t.teardown(() => Promise.all(apps.map((app) => app.close())))
  return apps
}

/** The answers of so many requests, sent to the apps in turn, by status. */
async function answers(apps: App[], count: number, line = 'GET /v1/tweets', body?: object) {
  const statuses: Record<number, number> = {}
  for (let n = 0; n < count; n++) {
    const app = apps[n % apps.length] as App
    const { status } = await call(app, line, { ...(body && { body }) })
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  return statuses
}

t.test('with Redis', { skip: redisMissing() }, async (t) => {
  t.test('processes share the counts of addresses and accounts', async (t) => {
    const { url } = await startRedis(t)
    const apps = await twoApps(t, {
      REDIS_URL: url,
      LIMIT_READ: 'account 7/h, address 30/h',
      LIMIT_WRITE: 'address 200/h',
    })
    const ann = await signUp(apps[0], 'Ann')
    const own = []
    for (const n of [0, 1, 0, 1, 1, 1, 1, 0, 1]) {
      own.push((await call(apps[n] as App, 'GET /v1/users/me', { as: ann })).status)
    }
    t.strictSame(own, [200, 200, 200, 200, 200, 200, 200, 429, 429])
    t.strictSame(await answers(apps, 40), { 200: 21, 429: 19 })

    const atOnce = Array.from({ length: 500 }, (_, n) =>
      call(apps[n % 2] as App, 'PUT /v1/nothing'),
    )
    const passed = (await Promise.all(atOnce)).filter(({ status }) => status !== 429).length
    t.ok(passed <= 200 && passed > 200 - 2 * 4, `${passed} of 500 passed a limit of 200`)
  })

  t.test('without Redis each process counts on its own, and nobody waits', async (t) => {
    const redis = await startRedis(t)
    const apps = await twoApps(t, { REDIS_URL: redis.url, LIMIT_READ: 'address 4/s' })
    await redis.stop()
    const wrong = { email: 'nobody@example.com', password: 'wrong' }
    t.strictSame(await answers(apps, 8, 'POST /v1/tweets', { text: 'x' }), { 401: 8 })
    t.match(await answers(apps, 2, 'POST /v1/auth/login', wrong), { 401: 2 }, 'logins go on')
    const begun = performance.now()
    const { 200: passed = 0, 429: refused = 0 } = await answers(apps, 12)
    t.ok(performance.now() - begun < 1_000)
    t.ok(passed >= 8 && refused > 0, `${passed} passed a limit of 4 in each of two processes`)
    t.match((await call(apps[0], 'GET /readyz')).body, {
      status: 'ready',
      checks: { limits: 'failed' },
    })

    await startRedis(t, redis.port)
    const isBack = async (app: App) => (await call(app, 'GET /readyz')).body.checks.limits === 'ok'
    for (const app of apps) while (!(await isBack(app))) await sleep(20)
    // Once the windows of the outage have ended, both processes count together again.
    let together = 8
    for (let tries = 0; together > 4 && tries < 30; tries++) {
      await sleep(300)
      const { 200: some = 0 } = await answers(apps, 8)
      together = some
    }
    t.ok(together <= 4)
  })

  t.test('a Redis that hangs delays few requests, and none for long', async (t) => {
    const redis = await startRedis(t)
    const [app] = await twoApps(t, { REDIS_URL: redis.url })
    redis.child.kill('SIGSTOP')
    const delays: number[] = []
    for (let n = 0; n < 30; n++) {
      const begun = performance.now()
      await app.inject({ url: '/v1/tweets', remoteAddress: `192.0.2.${n}` })
      delays.push(performance.now() - begun)
    }
    const late = delays.filter((delay) => delay > 200)
    t.ok(late.length >= 1 && late.length <= 5, `${late.length} of 30 waited`)
    t.ok(Math.max(...delays) < 1_000)
  })
})

t.test('an unreachable Redis does not keep the app from starting', async (t) => {
  const app = await build({ ...(await settings(t)), REDIS_URL: 'redis://127.0.0.1:1' })
  t.teardown(() => app.close())
  t.equal((await call(app, 'GET /v1/tweets')).status, 200)
})
