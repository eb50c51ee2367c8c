import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { setUp } from '../helper.ts'

test('running requests and jobs finish before the close ends', async (t) => {
  const app = await setUp(t)
  const events: string[] = []
  const { promise: open, resolve: release } = Promise.withResolvers<void>()
  const { promise: started, resolve: jobStarts } = Promise.withResolvers<void>()
  app.jobs.define('test.slow', async () => {
    jobStarts()
    await open
    events.push('job done')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  await app.transaction((tx) => app.jobs.add(tx, ['test.slow'], {}))
  await started

  const answer = new Promise<string | undefined>((resolve) => {
    get(`${app.listeningOrigin}/v1/tweets`, (response) => {
      response.resume().once('end', () => resolve(response.headers.connection))
    })
  })
  // The request is on its way when the draining begins.
  await new Promise((resolve) => app.server.once('connection', resolve))
  t.notOk(app.drain.active())
  const drained = app.drain.begin()
  t.ok(app.drain.active())
  t.equal(await answer, 'close')
  await drained
  const closed = app.close().then(() => events.push('closed'))
  await sleep(100)
  release()
  await closed
  t.same(events, ['job done', 'closed'])
})

test('draining an app that does not listen takes no time', async (t) => {
  const app = await setUp(t)
  const begin = performance.now()
  await app.drain.begin()
  t.ok(performance.now() - begin < 100)
  const answer = await app.inject('/readyz')
  t.equal(answer.statusCode, 503)
  t.equal(answer.json().status, 'draining')
})
