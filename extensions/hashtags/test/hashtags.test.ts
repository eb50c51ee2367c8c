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
  undocumented,
  unrelate,
} from 'birdhouse/testing'
import t from 'tap'

const app = await setUp(t)
const [ann, bob, cho] = [
  await signUp(app, 'Ann', { handle: 'ann' }),
  await signUp(app, 'Bob', { handle: 'bob_b' }),
  await signUp(app, '초희', { handle: 'cho' }),
]
const path = (tag: string) => `/v1/hashtags/${encodeURIComponent(tag)}`
const idsOf = (items: { id: number }[]) => items.map(({ id }) => id)
const tagged = async (tag: string, as?: User) =>
  idsOf(await readAll(app, `${path(tag)}/tweets`, as, 2))
const entities = async (id: number, as?: User) => (await read(app, `/v1/tweets/${id}`, as)).entities

t.test('the page of a tag lists its tweets', async (t) => {
  const first = await tweet(app, ann, '첫 #새소리 🐦')
  const second = await tweet(app, bob, '#새소리, #BirdWatching #새소리')
  const third = await tweet(app, cho, '＃새소리'.normalize('NFD'), { replyToId: first.id })
  await tweet(app, ann, '#새소')
  await retweet(app, ann, second.id)
  await drained(app)
  for (const form of ['새소리', '#새소리', '새소리'.normalize('NFD')]) {
    t.strictSame(await tagged(form), [third.id, second.id, first.id], form)
  }
  t.strictSame(await tagged('ｂｉｒｄwatching'), [second.id])
  t.strictSame(await tagged('unused'), [])
  for (const none of ['12', 'two words', '!']) {
    t.match(await call(app, `GET ${path(none)}/tweets`), {
      status: 404,
      body: { code: 'HASHTAG_NOT_FOUND' },
    })
  }
  const { nextCursor } = await read(app, `${path('새소리')}/tweets?limit=1`)
  const elsewhere = await call(app, `GET ${path('새소')}/tweets?cursor=${nextCursor}`)
  t.equal(elsewhere.body.code, 'INVALID_CURSOR')

  await relate(app, bob, 'block', ann)
  t.strictSame(await tagged('새소리', ann), [third.id, first.id], 'not across a block')
  await unrelate(app, bob, 'block', ann)
  await removeTweet(app, ann, first.id)
  t.strictSame(await tagged('새소리'), [third.id, second.id])
  await drained(app)
  const { hashtagTweets } = app.tables
  const rows = await app.db.select().from(hashtagTweets)
  t.notOk(
    rows.some(({ tweetId }) => tweetId === first.id),
    'no row is left of a deleted one',
  )
})

t.test('a tag of maximum length has a page, a longer tag is plain text', async (t) => {
  const [long, longer] = ['가'.repeat(100), '나'.repeat(101)]
  const { id, entities } = await tweet(app, ann, `#${long} #${longer}`)
  t.strictSame(entities.hashtags, [{ tag: long, start: 0, end: 101 }])
  await drained(app)
  for (const n of [1, 2, 3]) await tweet(app, ann, `${n} #${long}`)
  await drained(app)
  t.equal((await tagged(long)).at(-1), id, 'page by page')
  t.equal(
    (await tagged(long.normalize('NFD'))).at(-1),
    id,
    'as macOS writes it, in 200 code points',
  )
  t.equal((await call(app, `GET ${path(longer)}/tweets`)).body.code, 'HASHTAG_NOT_FOUND')
})

t.test('entities are present at once, with offsets in code points', async (t) => {
  await app.jobs.stop()
  const text = '🐦🐦 @ann님, @BOB_B @nobody #👨‍👩‍👧 http://x/#no'
  const answer = await tweet(app, cho, text)
  const expected = {
    hashtags: [{ tag: '👨‍👩‍👧', start: 25, end: 31 }],
    mentions: [
      { userId: ann.id, handle: 'ann', start: 3, end: 7 },
      { userId: bob.id, handle: 'bob_b', start: 10, end: 16 },
    ],
  }
  t.strictSame(answer.entities, expected)
  await retweet(app, ann, answer.id)
  await app.jobs.start()
  await drained(app)
  t.strictSame(await entities(answer.id), expected, 'and the same once a job has run')
  const [shared] = (await read(app, `/v1/users/${ann.id}/tweets`)).items
  t.strictSame([shared.entities, shared.retweetOf.entities], [undefined, expected])

  await relate(app, bob, 'block', ann)
  t.strictSame(
    (await entities(answer.id, ann)).mentions,
    [expected.mentions[0]],
    'not across a block',
  )
  await unrelate(app, bob, 'block', ann)
  await removeTweet(app, cho, answer.id)
  t.equal(await entities(answer.id), undefined, 'a tombstone has no entities')
})

t.test('muted tags are hidden from the timeline only', async (t) => {
  const reader = await signUp(app, 'Reader')
  for (const other of [ann, bob]) await relate(app, reader, 'follow', other)
  const plain = await tweet(app, ann, 'plain')
  const spoiler = await tweet(app, ann, 'who did it #Spoiler')
  const foreign = await tweet(app, cho, '#spoiler too')
  await retweet(app, bob, foreign.id)
  const own = await tweet(app, reader, 'my own #spoilers')
  await drained(app)
  const shown = async () => {
    const { items } = await read(app, '/v1/timeline?limit=4', reader)
    return items.map(
      ({ id, retweetOf }: { id: number; retweetOf: { id: number } | null }) => retweetOf?.id ?? id,
    )
  }
  t.strictSame(await shown(), [own.id, foreign.id, spoiler.id, plain.id])
  const mute = (tag: string, method = 'PUT') =>
    call(app, `${method} ${path(tag)}/mute`, { as: reader })
  for (const form of ['SPOILER', '#spoiler', 'spoiler']) t.equal((await mute(form)).status, 204)
  t.strictSame((await shown()).slice(0, 2), [own.id, plain.id])
  t.strictSame(await tagged('spoiler', reader), [foreign.id, spoiler.id])
  t.equal((await mute('새'.normalize('NFD'))).status, 204)
  const muted = async () =>
    (await readAll(app, '/v1/hashtags/muted', reader, 1)).map(({ tag }) => tag)
  t.strictSame(await muted(), ['새', 'SPOILER'], 'as written, the latest first')
  for (const _ of [1, 2]) t.equal((await mute('sPOILER', 'DELETE')).status, 204)
  t.strictSame(await shown(), [own.id, foreign.id, spoiler.id, plain.id])

  t.equal((await mute('12')).status, 404)
  for (const line of ['PUT /v1/hashtags/a/mute', 'GET /v1/hashtags/muted']) {
    t.equal((await call(app, line)).status, 401)
  }
  const row = (n: number) => ({ userId: reader.id, tag: `tag${n}`, shown: `tag${n}` })
  await app.db.insert(app.tables.hashtagMutes).values(Array.from({ length: 199 }, (_, n) => row(n)))
  t.match(await mute('one_more'), { status: 422, body: { code: 'TOO_MANY_MUTED_HASHTAGS' } })
  t.equal((await mute('tag7')).status, 204)
})

t.test('a page takes a fixed number of queries', async (t) => {
  for (let n = 0; n < 6; n++) await tweet(app, ann, `${n} #many @bob_b @cho @nobody #more`)
  await drained(app)
  await app.jobs.stop()
  const queries = async (limit: number) => {
    const calls = t.capture(app.mysql.pool, 'query', app.mysql.pool.query)
    await read(app, `${path('many')}/tweets?limit=${limit}`, cho)
    calls.restore()
    return calls().filter(({ args }) => JSON.stringify(args[0]).includes('tweet')).length
  }
  // The rows, what they hold, then one query of each field that an extension adds.
  const [one, six] = [await queries(1), await queries(6)]
  t.equal(six, one)
  t.comment(`${six} queries a page`)
  await app.jobs.start()
})

t.test('every route is documented', async (t) => t.strictSame(undocumented(app), []))
