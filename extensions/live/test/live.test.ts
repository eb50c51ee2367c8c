import {
  call,
  drained,
  read,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
  undocumented,
} from 'birdhouse/testing'
import t from 'tap'
import { type Listener, listen } from './listener.ts'

const app = await setUp(t)
await app.listen({ host: '127.0.0.1', port: 0 })
const people = (...names: string[]) => Promise.all(names.map((name) => signUp(app, name)))
const [ada, bo, cy, di] = (await people('Ada', '보라', 'Cy', 'Di')) as [User, User, User, User]
await relate(app, ada, 'follow', bo)
await relate(app, ada, 'follow', cy)

/** The events that Ada was sent by the time that a last tweet of her own has come. */
async function told(work: () => Promise<unknown>) {
  const stream = await listen(app, ada)
  await work()
  await drained(app)
  const { id } = await tweet(app, ada, 'last')
  await stream.untilTweet(id)
  stream.close()
  stream.events = stream.events.filter(({ data }) => data.id !== id)
  return stream
}

const shown = ({ tweets }: Listener) => tweets

t.test('a stream sends tweets, replies and retweets of the reader and of followees', async (t) => {
  const expected: number[] = []
  const stream = await told(async () => {
    const strange = await tweet(app, di, 'not followed')
    expected.push((await tweet(app, bo, '안녕 👋\n둘째 줄')).id)
    expected.push((await tweet(app, ada, 'my own')).id)
    expected.push((await tweet(app, bo, 'a reply', { replyToId: strange.id })).id)
    await retweet(app, cy, strange.id)
    const [own] = (await read(app, `/v1/users/${cy.id}/tweets`)).items
    expected.push(own.id)
  })
  t.strictSame(shown(stream).sort(), expected.sort())
  for (const item of stream.all('tweet')) {
    t.strictSame(item, await read(app, `/v1/tweets/${item.id}`), 'as everyone sees it')
  }
  t.strictSame(stream.headers['content-type'], 'text/event-stream')
  t.match(stream.headers, { 'cache-control': 'no-store', connection: 'close' })
  t.match(stream.headers['x-request-id'], /^[0-9a-f-]{36}$/)
  t.match(stream.text, /^retry: \d{4}\n\n/)
  const ids = stream.events.map(({ id }) => id)
  t.strictSame(
    ids,
    ids.toSorted((a, b) => a - b),
    'numbers rise',
  )
})

t.test('a deletion is sent for tweets that were sent, and for no others', async (t) => {
  const old = await tweet(app, bo, 'old')
  await drained(app)
  const stream = await told(async () => {
    await removeTweet(app, bo, old.id)
    await removeTweet(app, di, (await tweet(app, di)).id)
    await drained(app)
    await app.jobs.stop()
    const quick = await tweet(app, bo, 'gone before it was told')
    await removeTweet(app, bo, quick.id)
    await app.jobs.start()
  })
  t.strictSame(shown(stream), [])
  t.equal(stream.all('tweet.deleted')[0]?.id, old.id)
  t.equal(stream.all('tweet.deleted').length, 2)
})

t.test('a job that runs twice sends an event once', async (t) => {
  await drained(app)
  const stream = await listen(app, ada)
  const { id } = await tweet(app, bo)
  const payload = { tweetId: id, authorId: bo.id }
  await app.transaction((tx) => app.jobs.add(tx, ['live.tweet', 'live.tweet'], payload))
  await drained(app)
  await stream.untilTweet((await tweet(app, bo, 'last')).id)
  t.equal(stream.tweets.length, 2)
  t.equal(await app.jobs.countDead(), 0)
  stream.close()
})

t.test('invalid requests for a stream are rejected', async (t) => {
  t.equal((await call(app, 'GET /v1/live')).status, 401)
  const head = { method: 'HEAD', headers: { authorization: `Bearer ${ada.token}` } }
  t.equal((await fetch(`${app.listeningOrigin}/v1/live`, head)).status, 405)
  for (const lastId of ['abc', '-1', '1.5', '1e3', ' ', '9'.repeat(16)]) {
    const headers = { 'last-event-id': lastId }
    const answer = await call(app, 'GET /v1/live', { as: ada, headers })
    t.match(answer, { status: 400, body: { code: 'VALIDATION_FAILED' } }, lastId)
  }
  const headers = { accept: 'application/json' }
  const refused = await call(app, 'GET /v1/live', { as: ada, headers })
  t.match(refused, { status: 406, body: { code: 'NOT_ACCEPTABLE' } })
  for (const accept of ['*/*', 'text/*, application/json']) {
    const stream = await listen(app, ada, { headers: { accept } })
    t.equal(stream.status, 200, accept)
    stream.close()
  }
  t.strictSame(undocumented(app), [])
})
