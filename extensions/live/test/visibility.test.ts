import {
  call,
  drained,
  read,
  readAll,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
  undoRetweet,
  unrelate,
} from 'birdhouse/testing'
import fc from 'fast-check'
import t from 'tap'
import { type Listener, listen } from './listener.ts'

const app = await setUp(t)
await app.listen({ host: '127.0.0.1', port: 0 })
const people = (...names: string[]) => Promise.all(names.map((name) => signUp(app, name)))
const [ada, bo, cy, di] = (await people('Ada', 'Bo', 'Cy', 'Di')) as [User, User, User, User]
await relate(app, ada, 'follow', bo)
await relate(app, ada, 'follow', cy)

const rising = (a: number, b: number) => a - b
/** The reads that are left to compare: they change, here by the tests themselves. */
const withoutCounts = (item: object) =>
  JSON.parse(JSON.stringify(item, (key, value) => (key.endsWith('Count') ? undefined : value)))

t.test('follows, mutes and blocks take effect with the next tweet', async (t) => {
  const expected: number[] = []
  const say = async (as: User, counts: boolean) => {
    const { id } = await tweet(app, as)
    if (counts) expected.push(id)
    await drained(app)
  }
  const stream = await listen(app, ada)
  await say(di, false)
  await relate(app, ada, 'follow', di)
  await say(di, true)
  await relate(app, ada, 'mute', di)
  await say(di, false)
  await unrelate(app, ada, 'mute', di)
  await say(di, true)
  await unrelate(app, ada, 'follow', di)
  await say(di, false)
  const byDi = await tweet(app, di, 'a tweet to retweet')
  await relate(app, ada, 'mute', di)
  await retweet(app, bo, byDi.id)
  await drained(app)
  await undoRetweet(app, bo, byDi.id)
  await unrelate(app, ada, 'mute', di)
  await relate(app, di, 'block', ada)
  await retweet(app, bo, byDi.id)
  await drained(app)
  await unrelate(app, di, 'block', ada)
  await say(bo, true)
  await stream.until(({ tweets }) => tweets.includes(expected.at(-1) ?? 0), 'the last')
  stream.close()
  t.strictSame(stream.tweets, expected)
})

t.test('a replay leaves out suspended authors, and limited ones for strangers', async (t) => {
  const [reader, friend, limited, suspended] = (await people('Ro', 'Fi', 'Li', 'Su')) as [
    User,
    User,
    User,
    User,
  ]
  for (const one of [friend, suspended]) await relate(app, reader, 'follow', one)
  const first = await listen(app, reader)
  await first.untilHello()
  first.close()
  await tweet(app, suspended)
  const byLimited = await tweet(app, limited)
  await retweet(app, friend, byLimited.id)
  await drained(app)
  const reason = 'Advertising'
  await app.moderation.actOn('suspend', { userId: suspended.id, reason })
  await app.moderation.actOn('limit', { userId: limited.id, reason })
  const replayed = async () => {
    const stream = await listen(app, reader, { lastId: first.lastId })
    const { id } = await tweet(app, friend, 'last')
    await stream.untilTweet(id)
    stream.close()
    await removeTweet(app, friend, id)
    return stream.tweets.length
  }
  t.equal(await replayed(), 1, 'the last tweet alone')
  await relate(app, reader, 'follow', limited)
  t.equal(await replayed(), 3, 'the follower gets the retweet and its original')
})

t.test('a reply does not name its parent across a block in either direction', async (t) => {
  const parent = await tweet(app, di, 'parent')
  await relate(app, bo, 'follow', cy)
  const [eve] = (await people('Eve')) as [User]
  for (const one of [bo, cy]) await relate(app, eve, 'follow', one)
  await relate(app, ada, 'block', di)
  await relate(app, di, 'block', eve)
  const [open, ...blocked] = await Promise.all([bo, ada, eve].map((one) => listen(app, one)))
  const { id } = await tweet(app, cy, 'a reply', { replyToId: parent.id })
  await retweet(app, bo, id)
  const namesOf = async (stream: Listener | undefined) => {
    await stream?.until(({ tweets }) => tweets.length === 2, 'reply and retweet')
    stream?.close()
    return stream
      ?.all('tweet')
      .map(({ replyTo, retweetOf }) => (replyTo ?? retweetOf?.replyTo)?.author?.name ?? null)
  }
  t.strictSame(await namesOf(open), ['Di', 'Di'])
  for (const stream of blocked) t.strictSame(await namesOf(stream), [null, null])
  const [again] = (await read(app, '/v1/timeline?limit=1', ada)).items
  t.equal(again.retweetOf.replyTo.author, null, 'as in the timeline')
  await unrelate(app, ada, 'block', di)
})

t.test('with any relationships, a stream sends what the timeline shows', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.comment(`SEED=${seed}`)
  const random = fc.sample(fc.infiniteStream(fc.nat(99)), { seed, numRuns: 1 })[0]
  const chance = (percent: number) => (random?.next().value ?? 0) < percent
  const crowd = await people('K', 'L', 'M', 'N', 'O')
  for (const a of crowd) {
    for (const b of crowd.filter((one) => one !== a)) {
      if (chance(80)) await call(app, `PUT /v1/users/${b.id}/follow`, { as: a })
      if (chance(15)) await relate(app, a, 'mute', b)
      if (chance(15)) await relate(app, a, 'block', b)
    }
  }
  const streams = await Promise.all(crowd.map((one) => listen(app, one)))
  const ids: number[] = []
  for (let n = 0; n < 20; n++) {
    const as = crowd[n % crowd.length] as User
    const replyToId = ids[n - 7]
    const body = { text: `${n}`, ...(replyToId && chance(60) && { replyToId }) }
    const answer = await call(app, 'POST /v1/tweets', { as, body })
    if (answer.status === 201) ids.push(answer.body.id)
    if (chance(60)) await call(app, `PUT /v1/tweets/${ids.at(n % 3)}/retweet`, { as })
  }
  await drained(app)
  for (const [n, stream] of streams.entries()) {
    const as = crowd[n] as User
    const shown = (await readAll(app, '/v1/timeline', as, 1)).map(({ id }) => id)
    await stream.until(({ tweets }) => tweets.length >= shown.length, 'the whole timeline')
    t.strictSame(stream.tweets.toSorted(rising), shown.toSorted(rising))
    for (const item of stream.all('tweet')) {
      t.match(await read(app, `/v1/tweets/${item.id}`, as), withoutCounts(item))
    }
    stream.close()
  }
})
