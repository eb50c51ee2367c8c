import { setTimeout as sleep } from 'node:timers/promises'
import {
  type App,
  build,
  call,
  redisMissing,
  relate,
  settings,
  signUp,
  startRedis,
  tweet,
} from 'birdhouse/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { listen } from './listener.ts'

t.test('an unreachable Redis delays nothing', async (t) => {
  const app: App = await build({ ...(await settings(t)), REDIS_URL: 'redis://127.0.0.1:1' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const ada = await signUp(app, 'Ada')
  const stream = await listen(app, ada)
  const begun = performance.now()
  await stream.untilTweet((await tweet(app, ada)).id)
  stream.close()
  t.ok(performance.now() - begun < 1_000)
  t.match((await call(app, 'GET /readyz')).body, { status: 'ready', checks: { redis: 'failed' } })
  await app.close()
})

t.test(
  'events reach other processes at once through Redis',
  { skip: redisMissing() },
  async (t) => {
    let redis = await startRedis(t)
    const { port, url: REDIS_URL } = redis
    const env = { ...(await settings(t)), REDIS_URL }
    const apps: App[] = []
    for (const _ of [1, 2]) {
      const app: App = await build(env)
      await app.listen({ host: '127.0.0.1', port: 0 })
      apps.push(app)
    }
    const [app, other] = apps as [App, App]
    const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, 'Bo')]
    await relate(app, ada, 'follow', bo)
    const spy = new Redis(REDIS_URL, { maxRetriesPerRequest: null })
    spy.on('error', () => {})
    let messages = 0
    spy.on('message', () => messages++)
    await spy.subscribe('birdhouse/live')
    const isUp = async () => (await call(app, 'GET /readyz')).body.checks.redis === 'ok'
    const stream = await listen(other, ada)
    const say = async () => {
      const { id } = await tweet(app, bo)
      return Math.round(await stream.untilTweet(id))
    }

    for (let waits = 0; !(await isUp()) && waits < 100; waits++) await sleep(20)
    await say()
    t.comment(`told after ${[await say(), await say(), await say(), await say()]} ms`)
    t.ok(messages >= 5)

    await redis.stop()
    t.comment(`without Redis after ${[await say(), await say()]} ms`)
    t.notOk(await isUp())
    redis = await startRedis(t, port)
    for (let waits = 0; !(await isUp()) && waits < 250; waits++) await sleep(20)
    messages = 0
    for (let waits = 0; messages === 0 && waits < 20; waits++) await say()
    t.ok(messages > 0, 'Redis is used again')

    redis.child.kill('SIGSTOP')
    t.comment(`while Redis hangs after ${[await say(), await say()]} ms`)
    const begun = performance.now()
    stream.close()
    for (const app of apps) await app.close()
    t.ok(performance.now() - begun < 2_000, 'a Redis that hangs holds no close up')
    spy.disconnect()
    await redis.stop()
  },
)
