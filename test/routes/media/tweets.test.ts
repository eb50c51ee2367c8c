import { eq } from 'drizzle-orm'
import t from 'tap'
import { call, read, removeTweet, retweet, setUp, signUp, tweet, type User } from '../../helper.ts'
import { newMedia, plain } from '../../multipart.ts'

const app = await setUp(t)
const jpeg = await plain()
const { media, tweets } = app.tables
const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]

const ids = async (as: User, count: number) => {
  const all = await Promise.all(Array.from({ length: count }, () => newMedia(app, as, jpeg)))
  return all.map(({ id }) => id as number)
}
const post = (as: User, body: object, headers = {}) =>
  call(app, 'POST /v1/tweets', { as, body, headers })
const tweetsOf = async (user: User) => (await read(app, `/v1/users/${user.id}`)).tweetCount
const shown = ({ media }: { media: { id: number }[] }) => media.map(({ id }) => id)

t.test('a tweet shows its pictures in the order given, wherever it is read', async (t) => {
  const [a, b, c, d] = await ids(ann, 4)
  const wanted = [c, a, d, b]
  const { status, body } = await post(ann, { text: 'four', mediaIds: wanted })
  t.equal(status, 201)
  t.strictSame(shown(body), wanted)
  t.strictSame(body.media[0], await read(app, `/v1/media/${c}`, ann))
  const without = await tweet(app, ann, 'none')
  t.strictSame(without.media, [])
  await retweet(app, ben, body.id)
  const [again, plainOne, first] = [
    (await read(app, `/v1/users/${ben.id}/tweets`)).items[0],
    await read(app, `/v1/tweets/${without.id}`),
    (await read(app, `/v1/users/${ann.id}/tweets`, ben)).items[1],
  ]
  t.strictSame([again.media, shown(again.retweetOf)], [[], wanted])
  t.strictSame(plainOne.media, [])
  t.strictSame(shown(first), wanted)
  t.strictSame(shown((await read(app, '/v1/timeline', ann)).items[1]), wanted)
  await call(app, `PATCH /v1/media/${a}`, { as: ann, body: { alt: 'said later' } })
  t.equal((await read(app, `/v1/tweets/${body.id}`)).media[1].alt, 'said later')
})

t.test('with a picture the text may be empty', async (t) => {
  const [a, b, c] = await ids(ann, 3)
  for (const body of [{ mediaIds: [a] }, { text: '', mediaIds: [b] }]) {
    const answer = await post(ann, body)
    t.match([answer.status, answer.body.text, answer.body.media.length], [201, '', 1])
  }
  for (const body of [{}, { text: '' }, { mediaIds: [] }, { text: ' ', mediaIds: [] }]) {
    t.match((await post(ann, body)).body, { status: 400, errors: [{ path: '/body/text' }] })
  }
  t.equal((await post(ann, { text: 'x'.repeat(301), mediaIds: [c] })).status, 400)
  t.equal((await call(app, `DELETE /v1/media/${c}`, { as: ann })).status, 204, 'still unused')
  const flat = await call(app, 'GET /timeline', { headers: { authorization: ann.token } })
  t.equal(flat.body.timeline.at(-1).tweet, '', 'the original API shows it as it can')
})

t.test('pictures that cannot be attached are named, and nothing is written', async (t) => {
  const [mine, used, removed] = await ids(ann, 3)
  const [theirs] = await ids(ben, 1)
  await tweet(app, ann, 'uses it', { mediaIds: [used] })
  await call(app, `DELETE /v1/media/${removed}`, { as: ann })
  const before = await tweetsOf(ann)
  const cases: [number, string, unknown[], (number | undefined)?][] = [
    [404, 'MEDIA_NOT_FOUND', [mine, theirs], theirs],
    [404, 'MEDIA_NOT_FOUND', [removed, mine], removed],
    [404, 'MEDIA_NOT_FOUND', [999_999], 999_999],
    [409, 'MEDIA_IN_USE', [mine, used], used],
    [400, 'VALIDATION_FAILED', [mine, mine]],
    [400, 'VALIDATION_FAILED', [1, 2, 3, 4, 5]],
    [400, 'VALIDATION_FAILED', [String(mine)]],
    [400, 'VALIDATION_FAILED', [0]],
    [400, 'VALIDATION_FAILED', [null]],
  ]
  for (const [status, code, mediaIds, named] of cases) {
    const { body } = await post(ann, { text: 'never', mediaIds })
    t.match(body, { status, code }, JSON.stringify(mediaIds))
    if (named) t.match(body.detail, String(named))
  }
  t.equal(await tweetsOf(ann), before)
  const never = await app.db.select().from(tweets).where(eq(tweets.text, 'never'))
  t.strictSame(never, [])
  t.equal(
    (await post(ann, { text: 'now', mediaIds: [mine] })).status,
    201,
    'the picture is still unused',
  )
  const reply = await post(ben, { replyToId: 999_999, mediaIds: [theirs] })
  t.equal(reply.status, 404)
  t.equal((await post(ben, { mediaIds: [theirs] })).status, 201)
})

t.test('a feature that creates a tweet with five pictures gets TOO_MANY_MEDIA', async (t) => {
  const before = await tweetsOf(ann)
  const mediaIds = await ids(ann, 5)
  const creating = app.tweets.create({ authorId: ann.id, text: 'five', mediaIds })
  await t.rejects(creating, { code: 'TOO_MANY_MEDIA', statusCode: 400 })
  t.equal(await tweetsOf(ann), before)
})

t.test('of tweets at once that want the same picture one gets it', async (t) => {
  for (let round = 0; round < 5; round++) {
    const [a, b] = await ids(ann, 2)
    const before = await tweetsOf(ann)
    const wishes = Array.from({ length: 8 }, (_, i) => (i % 2 ? [a, b] : [b, a]))
    const answers = await Promise.all(wishes.map((mediaIds) => post(ann, { mediaIds })))
    const statuses = answers.map(({ status }) => status).sort()
    t.strictSame(statuses, [201, ...Array(7).fill(409)])
    t.equal(await tweetsOf(ann), before + 1)
    const winner = answers.find(({ status }) => status === 201)?.body
    const rows = await app.db.select().from(media).where(eq(media.tweetId, winner.id))
    t.strictSame(rows.map(({ id }) => id).sort(), [a, b].sort())
  }
})

t.test('a concurrent tweet and deletion of a picture exclude each other', async (t) => {
  for (const id of await ids(ann, 6)) {
    const [posted, removed] = await Promise.all([
      post(ann, { mediaIds: [id] }),
      call(app, `DELETE /v1/media/${id}`, { as: ann }),
    ])
    const outcome = `${posted.status} ${removed.status}`
    t.ok(['201 409', '404 204'].includes(outcome), outcome)
    if (posted.status === 201)
      t.strictSame(shown(await read(app, `/v1/tweets/${posted.body.id}`)), [id])
  }
})

t.test('a repeat with an Idempotency-Key gets the tweet, also concurrently', async (t) => {
  const [a, b] = await ids(ann, 2)
  const headers = { 'idempotency-key': 'pictures' }
  const all = await Promise.all(
    Array.from({ length: 6 }, () => post(ann, { mediaIds: [a] }, headers)),
  )
  t.strictSame([...new Set(all.map(({ status }) => status))], [201])
  t.equal(new Set(all.map(({ body }) => body.id)).size, 1)
  t.ok(all.every(({ body }) => body.media[0].id === a))
  t.equal((await post(ann, { mediaIds: [b] }, headers)).status, 422)
  await removeTweet(app, ann, all[0]?.body.id)
  t.match((await post(ann, { mediaIds: [a] }, headers)).body, { deleted: true, media: [] })
})

t.test('a hook sees the pictures and may empty the text', async (t) => {
  const other = await setUp(t)
  const user = await signUp(other, 'Hooked')
  const seen: unknown[] = []
  other.tweets.beforeCreate(async ({ mediaIds }) => {
    seen.push(mediaIds)
    return { text: '' }
  })
  const { id } = await newMedia(other, user, jpeg)
  const answer = await call(other, 'POST /v1/tweets', {
    as: user,
    body: { text: 'spam', mediaIds: [id] },
  })
  t.match([answer.status, answer.body.text, seen], [201, '', [[id]]])
  t.equal((await call(other, 'POST /v1/tweets', { as: user, body: { text: 'spam' } })).status, 400)
})
