import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { type App, call, drained, read, settings, setUp, signUp } from '../helper.ts'
import { orphanKeys, upload } from '../multipart.ts'
import {
  cutUploads,
  type Fault,
  hang,
  loseAnswers,
  slow,
  slowDown,
  startS3FaultProxy,
} from '../s3-fault-proxy.ts'

const env = await settings(t)
const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
const app: App = await setUp(t, { ...env, S3_ENDPOINT: front.url })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const user = await signUp(app, 'Outage')
const jpeg = await sharp({ create: { width: 500, height: 500, channels: 3, background: 'teal' } })
  .jpeg()
  .toBuffer()
const large = Buffer.alloc(1024 * 1024, 'x')

const keys = async () => (await app.s3.list('')).objects.map(({ key }) => key)

/** Mends the store; after a while of hanging it takes two seconds until that is noticed. */
async function heal() {
  front.misbehave()
  for (let waits = 0; waits < 25; waits++) {
    const well = await keys().catch(() => undefined)
    if (well) return
    await sleep(100)
  }
  throw new Error('the store is not used again after 2.5 s')
}

async function timed<T>(work: Promise<T>) {
  const begin = performance.now()
  const result = await work
  return { result, took: performance.now() - begin }
}

/** Uploads a picture while the store misbehaves: 503, in time, and nothing is written. */
async function refused(t: Test, fault: Fault, { atMost }: { atMost: number }) {
  const before = await read(app, '/v1/users/me', user)
  front.misbehave(fault)
  const seen = front.seen.length
  const { result, took } = await timed(upload(app, jpeg, { as: user }))
  t.match([result.status, result.body.code], [503, 'STORAGE_UNAVAILABLE'])
  t.ok(Number(result.headers['retry-after']) > 0)
  t.ok(took < atMost, `told after ${Math.round(took)} ms`)
  // The calls for its other objects may still be at work, and those of an earlier picture.
  await sleep(1_000)
  const puts = Map.groupBy(
    front.seen.slice(seen).filter((line) => line.startsWith('PUT')),
    (line) => line,
  )
  const tries = [...puts.values()].map(({ length }) => length)
  t.ok(tries.length >= 3 && Math.max(...tries) <= 3, `tries of each object: ${tries}`)
  t.strictSame(await read(app, '/v1/users/me', user), before, 'the row is as it was')
  await heal()
}

t.test('a slow or throttling store is waited for', async (t) => {
  for (const fault of [slow(1_500), slowDown(2)]) {
    front.misbehave(fault)
    const { result, took } = await timed(upload(app, jpeg, { as: user }))
    t.equal(result.status, 200)
    t.ok(took < 8_000, `after ${Math.round(took)} ms`)
    await heal()
  }
  await drained(app)
})

t.test('a cancelled upload to a slow store changes nothing', async (t) => {
  const before = await read(app, '/v1/users/me', user)
  front.misbehave(slow(1_500))
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(jpeg)]))
  const leaving = new AbortController()
  const asking = fetch(`${url}/v1/users/me/avatar`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${user.token}` },
    body: form,
    signal: leaving.signal,
  })
  const seen = front.seen.length
  asking.catch(() => {})
  while (front.seen.length < seen + 3) await sleep(5)
  leaving.abort()
  await t.rejects(asking)
  front.misbehave()
  for (let waits = 0; (await orphanKeys(app)).length < 3 && waits < 100; waits++) await sleep(25)
  t.equal((await orphanKeys(app)).length, 3, 'the objects are there for the sweep')
  await sleep(200)
  t.strictSame(await read(app, '/v1/users/me', user), before, 'the row is unchanged')
  await app.s3.remove(await orphanKeys(app))
})

t.test('uploads fail with 503, and a sweep finds left objects', async (t) => {
  await drained(app)
  const stored = await keys()
  t.equal(stored.length, 3)
  await t.test('asked to slow down for good', (t) => refused(t, slowDown(), { atMost: 6_000 }))
  await t.test('cut half-way', (t) => refused(t, cutUploads, { atMost: 3_000 }))
  await t.test('hanging', (t) => refused(t, hang, { atMost: 9_000 }))
  await t.test('answers lost', (t) => refused(t, loseAnswers, { atMost: 3_000 }))
  const orphans = (await keys()).filter((key) => !stored.includes(key))
  // And any try of the others that was under way when the store was well again.
  t.ok(orphans.length >= 3, `what came through lies there: ${orphans.length}`)
  t.strictSame(await orphanKeys(app), orphans.sort(), 'until a sweep finds it')
})

t.test('a partial upload is no object', async (t) => {
  front.misbehave(cutUploads)
  await t.rejects(app.s3.put('half', large, 'image/webp'), { code: 'STORAGE_UNAVAILABLE' })
  front.misbehave()
  t.notOk((await keys()).includes('half'))
  await app.s3.put('whole', large, 'image/webp')
  t.ok(Buffer.from(await app.s3.get('whole')).equals(large))
  await app.s3.remove(['whole'])
})

t.test('a hanging store holds a bounded number of calls and affects nothing else', async (t) => {
  front.misbehave(hang)
  const calls = Array.from({ length: 200 }, (_, i) =>
    timed(app.s3.put(`hanging/${i}`, jpeg, 'image/webp').catch((error) => error.code)),
  )
  await sleep(200)
  const others = await Promise.all(
    ['/v1/tweets', '/v1/users/me', '/v1/timeline', `/v1/users/${user.id}/avatar`].map((path) =>
      timed(call(app, `GET ${path}`, { as: user })),
    ),
  )
  for (const { result, took } of others) t.ok(result.status < 400 && took < 1_000, `${took} ms`)

  const asked = front.seen.length
  const checks = await Promise.all(
    Array.from({ length: 50 }, () => timed(call(app, 'GET /readyz'))),
  )
  t.ok(checks.every(({ result, took }) => result.body.status === 'degraded' && took < 2_500))
  t.equal(front.seen.slice(asked).filter((line) => line.startsWith('HEAD')).length, 1)
  t.ok(front.mostConnections() <= 34, `${front.mostConnections()} connections`)

  const ended = await Promise.all(calls)
  t.ok(ended.every(({ result }) => result === 'STORAGE_UNAVAILABLE'))
  const slowest = Math.max(...ended.map(({ took }) => took))
  t.ok(slowest < 9_000, `the last is told after ${Math.round(slowest)} ms`)
  const atOnce = ended.filter(({ took }) => took < 1_000).length
  t.equal(atOnce, 200 - 64, 'calls above the limit fail at once')
  const fast: number[] = []
  for (let n = 0; n < 3; n++) {
    const { result, took } = await timed(upload(app, jpeg, { as: user }))
    t.equal(result.status, 503)
    if (took < 1_000) fast.push(took)
  }
  t.ok(fast.length >= 2, 'once it is known to hang one call tries, and the others are told at once')

  await heal()
  t.equal((await upload(app, jpeg, { as: user })).status, 200, 'calls succeed after the outage')
  t.equal((await call(app, 'GET /readyz')).status, 200)
})
