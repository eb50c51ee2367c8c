import { build, call, drained, settings, signUp, tweet, type User } from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { listen } from './listener.ts'

// An event that another extension adds: `test/fixtures/waves`. Two processes share a database.

const env = { ...(await settings(t)), EXTENSIONS: 'test/fixtures/waves' }
async function start() {
  const app = await build(env)
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}
const [app, other] = [await start(), await start()]
const people = (...names: string[]) => Promise.all(names.map((name) => signUp(app, name)))
const [me, ada] = (await people('Me', 'Ada')) as [User, User]

const wave = (subjectId: number) =>
  app.transaction((tx) => app.waves.wave(tx, { userId: me.id, actorId: ada.id }, subjectId))

t.test('an event reaches the streams of its user in every process', async (t) => {
  const streams = [await listen(app, me), await listen(other, me)]
  const stranger = await listen(other, ada)
  const start = streams[0]?.lastId
  await wave(7)
  await wave(8)
  const expected = [7, 8].map((id) => ({ id, note: `at ${me.id}` }))
  for (const stream of streams) {
    await stream.until((one) => one.all('wave').length === 2, 'two waves')
    t.strictSame(stream.all('wave'), expected, 'only what the schema has')
  }
  t.strictSame(stranger.all('wave'), [])
  const returning = await listen(other, me, { lastId: start })
  t.strictSame(returning.all('wave'), expected, 'missed events are sent')
  for (const one of [...streams, stranger, returning]) one.close()
})

t.test('a later event of the same subject is sent again, and replaces the earlier', async (t) => {
  const stream = await listen(app, me)
  const start = stream.lastId
  await wave(9)
  await stream.until((one) => one.all('wave').length === 1, 'a wave')
  await wave(9)
  await stream.until((one) => one.all('wave').length === 2, 'it again')
  const returning = await listen(app, me, { lastId: start })
  t.equal(returning.all('wave').length, 1)
  for (const one of [stream, returning]) one.close()
})

t.test('an event about the same subject reaches each of its users', async (t) => {
  const streams = [await listen(app, me), await listen(app, ada)]
  const start = streams[0]?.lastId
  await app.transaction(async (tx) => {
    for (const { id: userId } of [me, ada])
      await app.live.emit(tx, 'wave', { userId, subjectId: 11 })
  })
  for (const stream of streams) await stream.until((one) => one.all('wave').length === 1, 'a wave')
  const returning = [
    await listen(other, me, { lastId: start }),
    await listen(other, ada, { lastId: start }),
  ]
  t.strictSame(
    [...streams, ...returning].map((one) => one.all('wave')[0]),
    [me, ada, me, ada].map(({ id }) => ({ id: 11, note: `at ${id}` })),
    'each user gets the data that was read for that user',
  )
  for (const one of [...streams, ...returning]) one.close()
})

t.test('when events cannot be read, their user is told to reload, and nobody else', async (t) => {
  const [stream, stranger] = [await listen(app, me), await listen(app, ada)]
  app.waves.state.broken = true
  await app.transaction(async (tx) => {
    for (const subjectId of [20, 21, 22])
      await app.live.emit(tx, 'wave', { userId: me.id, subjectId })
  })
  await stream.until((one) => one.all('reset').length === 1, 'reset')
  app.waves.state.broken = false
  const { id } = await tweet(app, me)
  await stream.untilTweet(id)
  t.strictSame(stream.all('wave'), [])
  t.equal(stream.all('reset').length, 1, 'once for all events that were read together')
  t.strictSame(stranger.all('reset'), [])
  for (const one of [stream, stranger]) one.close()
  await drained(app)
})

t.test('a job of version 0.2 for a notification still appends an event', async (t) => {
  const { jobs, liveEvents } = app.tables
  const payload = { userId: me.id, notificationId: 30 }
  await app.db.insert(jobs).values({ name: 'live.notification', payload, runAt: new Date() })
  await drained(app)
  const rows = await app.db.select().from(liveEvents).where(eq(liveEvents.subjectId, 30))
  t.match(rows, [{ kind: 'notification', userId: me.id }])
})

t.test('the document describes the event', async (t) => {
  const { paths } = (await call(app, 'GET /openapi.json')).body
  const { description, content } = paths['/v1/live'].get.responses[200]
  t.match(description, '| `wave` | `{ id, note }` | a wave at you |')
  t.match(description, '| `tweet` | `Tweet` |')
  const schemas = content['text/event-stream'].schema['x-events']
  t.match(schemas.wave, { properties: { note: { type: 'string' } } })
  t.strictSame(schemas.notification, { $ref: '#/components/schemas/Notification' })
})
