import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { test } from 'tap'
import { startS3 } from '../../local/s3.ts'
import { call, setUp, signUp } from '../helper.ts'
import { upload } from '../multipart.ts'

const picture = await sharp({ create: { width: 50, height: 50, channels: 3, background: 'teal' } })
  .jpeg()
  .toBuffer()

test('a running service is alive and ready', async (t) => {
  const app = await setUp(t)
  t.same((await call(app, 'GET /livez')).body, { status: 'ok' })
  t.strictSame((await call(app, 'GET /readyz')).body, {
    status: 'ready',
    caching: true,
    checks: { database: 'ok', storage: 'ok', uploads: 'ok' },
    deadJobs: 0,
    skippedExtensions: [],
  })
})

test('/readyz is degraded while the object store is away, and logs each change once', async (t) => {
  const s3 = await startS3({ bucket: 'birdhouse' })
  const lines: string[] = []
  const app = await setUp(t, s3.settings)
  for (const level of ['warn', 'info'] as const)
    app.log[level] = (...words: unknown[]) => void lines.push(JSON.stringify(words))
  t.equal((await call(app, 'GET /readyz')).status, 200)

  await s3.stop()
  const begin = performance.now()
  const away = await call(app, 'GET /readyz')
  const took = Math.round(performance.now() - begin)
  t.ok(took < 2_500, `told after ${took} ms`)
  t.equal(away.status, 200, 'a load balancer keeps the process')
  t.match(away.body, { status: 'degraded', checks: { database: 'ok', storage: 'failed' } })
  t.equal((await call(app, 'GET /livez')).status, 200, 'a restart would not help')
  t.equal((await call(app, 'GET /v1/tweets')).status, 200, 'everything else works')

  await call(app, 'GET /readyz')
  const changes = () => lines.filter((line) => line.includes('/readyz'))
  t.match(changes(), [/storage.*checks of \/readyz fail/])
  t.equal(changes().length, 1, 'one line for two probes')

  const port = Number(new URL(s3.settings.S3_ENDPOINT).port)
  const again = await startS3({ bucket: 'birdhouse', port })
  t.teardown(again.stop)
  await sleep(100)
  t.equal((await call(app, 'GET /readyz')).body.status, 'ready', 'back without a restart')
  t.match(changes()[1], /pass again/)
})

test('a start does not need the object store, but a bucket that exists', async (t) => {
  const s3 = await startS3({ bucket: 'birdhouse' })
  const port = Number(new URL(s3.settings.S3_ENDPOINT).port)
  await t.rejects(setUp(t, { ...s3.settings, S3_BUCKET: 'other' }), /no such bucket/)
  await s3.stop()
  const app = await setUp(t, s3.settings)
  t.match((await call(app, 'GET /readyz')).body, { status: 'degraded' })
  const user = await signUp(app)
  t.equal((await call(app, 'POST /v1/tweets', { as: user, body: { text: 'hi' } })).status, 201)
  t.match(await upload(app, picture, { as: user }), {
    status: 503,
    body: { code: 'STORAGE_UNAVAILABLE' },
  })

  const again = await startS3({ bucket: 'birdhouse', port })
  t.teardown(again.stop)
  t.equal((await upload(app, picture, { as: user })).status, 200, 'uploads work with the store')
})
