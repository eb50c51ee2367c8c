import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type App,
  build,
  call,
  drained,
  like,
  settings,
  signUp,
  tweet,
  type User,
} from 'birdhouse/testing'
import { max, sql } from 'drizzle-orm'
import t from 'tap'
import { Listener, listen } from './listener.ts'

const env = { ...(await settings(t)), LIVE_STREAMS_PER_USER: '3' }
async function start() {
  const app: App = await build(env)
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}
const app = await start()
const ada = await signUp(app, 'Ada')

// Takes seconds, in which the other tests run; the last one looks what came of it.
const [eve, flo, gil] = (await Promise.all(
  ['Eve', 'Flo', 'Gil'].map((name) => signUp(app, name)),
)) as [User, User, User]
const short = await app.auth.sessions.openFor(2, gil.id, { ip: '', userAgent: '' })
const expiring = await listen(app, { token: short })
const expired = expiring.untilEnded(3_500)
const [loggedOut, deleted, staying] = [
  await listen(app, eve),
  await listen(app, flo),
  await listen(app, gil),
]
await call(app, 'POST /v1/auth/logout', { as: eve })
await call(app, 'DELETE /v1/users/me', { as: flo, body: { password: flo.password } })

t.test('a token of an unknown session, or of another user, opens no stream', async (t) => {
  const { sessions } = app.tables
  const [newest] = await app.db.select({ id: max(sessions.id) }).from(sessions)
  for (const sid of [1_000_000, newest?.id ?? 0]) {
    const token = app.jwt.sign({ sub: String(ada.id), sid }, { expiresIn: 60 })
    const invented = await Listener.open(app, { token })
    t.match(invented.problem, { status: 401, code: 'SESSION_REVOKED' })
  }
  t.equal(app.live.count(ada.id), 0)
})

t.test('streams per user are limited, and closing a stream frees its place', async (t) => {
  const three = await Promise.all([1, 2, 3].map(() => listen(app, ada)))
  const fourth = await Listener.open(app, ada)
  t.match(fourth.problem, { status: 429, code: 'TOO_MANY_STREAMS' })
  t.match(fourth.headers['retry-after'], /^\d+$/)
  const other = await listen(app, await signUp(app))
  t.equal(other.status, 200)
  for (const one of [other, three[0]]) one?.close()
  await sleep(50)
  const again = await listen(app, ada)
  t.equal(again.status, 200)
  for (const one of [again, ...three]) one.close()
  await sleep(50)
  t.equal(app.live.count(ada.id), 0, 'no stream is left')
})

t.test('a client that does not read is disconnected without delaying others', async (t) => {
  const { liveEvents, liveSequence, tweets } = app.tables
  const [slow, quick] = [await listen(app, ada), await listen(app, ada)]
  slow.pause()
  const [{ seq = 0 } = {}] = await app.db.select({ seq: liveSequence.value }).from(liveSequence)
  const text = '🐣'.repeat(300)
  const many = Array.from({ length: 5000 }, () => ({ authorId: ada.id, text }))
  await app.db.insert(tweets).values(many)
  const [newest] = await app.db.select({ id: max(tweets.id) }).from(tweets)
  const last = newest?.id ?? 0
  await app.transaction(async (tx) => {
    const first = last - many.length
    await tx.execute(sql`INSERT INTO ${liveEvents} (seq, kind, subject_id, user_id)
      SELECT id - ${first - seq}, 'tweet', id, author_id FROM ${tweets} WHERE id > ${first}`)
    const value = seq + many.length
    await tx.insert(liveSequence).values({ id: 1, value }).onDuplicateKeyUpdate({ set: { value } })
  })
  await quick.untilTweet(last, 20_000)
  t.equal(quick.tweets.length, many.length)
  await sleep(50)
  t.equal(app.live.count(ada.id), 1)
  t.notOk(slow.tweets.includes(last))

  const returning = await listen(app, ada, { lastId: quick.lastId })
  t.strictSame(returning.tweets, [])
  const far = await listen(app, ada, { lastId: seq })
  t.equal(far.all('reset').length, 1, 'more than a page is worth: reload')
  t.ok(far.tweets.length < many.length)
  for (const one of [slow, quick, returning, far]) one.close()
})

t.test('a notification reaches only its user, and again when its group grows', async (t) => {
  const [dee, fan, latecomer] = (await Promise.all(
    ['Dee', 'Fan', 'Latecomer'].map((name) => signUp(app, name)),
  )) as [User, User, User]
  const { id } = await tweet(app, dee)
  const [stream, other] = [await listen(app, dee), await listen(app, ada)]
  const start = stream.lastId
  for (const [n, one] of [fan, latecomer].entries()) {
    await like(app, one, id)
    await stream.until((one) => one.all('notification').length === n + 1, 'a notification')
  }
  // One that has gone by the time that its event is delivered.
  const gone = { subjectId: 999_999, userId: dee.id }
  await app.transaction((tx) => app.live.emit(tx, 'notification', gone))
  await drained(app)
  const told = stream.all('notification')
  t.match(told, [
    { kind: 'like', peopleCount: 1, people: [{ id: fan.id }] },
    { kind: 'like', peopleCount: 2, people: [{ id: latecomer.id }, { id: fan.id }] },
  ])
  t.equal(told.length, 2)
  t.strictSame(other.all('notification'), [])
  const again = await listen(app, dee, { lastId: start })
  t.match(again.all('notification'), told.slice(1), 'as it is now')
  for (const one of [stream, other, again]) one.close()
})

t.test('draining ends all streams, and new clients are asked to reconnect', async (t) => {
  const draining = await start()
  const streams = await Promise.all([1, 2].map(() => listen(draining, ada)))
  // A connection that exists: new ones are not taken any more.
  const origin = draining.listeningOrigin
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await new Promise((resolve) => {
    get(`${origin}/livez`, { agent }, (response) => response.resume().once('close', resolve))
  })
  const begun = performance.now()
  const drained = draining.drain.begin()
  const late = await Listener.open(draining, ada, { agent, origin })
  for (const one of [...streams, late]) await one.untilEnded(1_000)
  t.ok(streams.every(({ lastId }) => lastId !== undefined))
  t.equal(late.status, 200)
  t.match(late.text, /^retry: \d{4}\n\n$/, 'an EventSource comes back after that, not after a 503')
  await drained
  await draining.close()
  const took = performance.now() - begun
  t.ok(took < 1_500, `${took} ms`)
  agent.destroy()
})

t.test('a stream ends with its token, its session and its account', async (t) => {
  await expired
  await Promise.all([loggedOut, deleted].map((one) => one.untilEnded(7_000)))
  t.notOk(staying.ended)
  staying.close()
  t.equal((await Listener.open(app, eve)).problem.code, 'SESSION_REVOKED')
})
