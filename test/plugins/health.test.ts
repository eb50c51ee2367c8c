import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startS3 } from '../../local/s3.ts'
import { call, setUp } from '../helper.ts'

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

test('/readyz fails while a store is unreachable and recovers', async (t) => {
  const s3 = await startS3({ bucket: 'birdhouse' })
  const app = await setUp(t, s3.settings)
  t.equal((await call(app, 'GET /readyz')).status, 200)

  await s3.stop()
  const begin = performance.now()
  const away = await call(app, 'GET /readyz')
  const took = Math.round(performance.now() - begin)
  t.ok(took < 2_500, `told after ${took} ms`)
  t.equal(away.status, 503)
  t.match(away.body, { status: 'unavailable', checks: { database: 'ok', storage: 'failed' } })
  t.equal((await call(app, 'GET /livez')).status, 200, 'a restart would not help')
  t.equal((await call(app, 'GET /v1/tweets')).status, 200, 'everything else works')

  const port = Number(new URL(s3.settings.S3_ENDPOINT).port)
  const again = await startS3({ bucket: 'birdhouse', port })
  t.teardown(again.stop)
  await sleep(100)
  t.equal((await call(app, 'GET /readyz')).status, 200, 'back without a restart')
})
