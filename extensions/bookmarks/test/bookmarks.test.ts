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
  undocumented,
  unrelate,
} from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'

const app = await setUp(t)
const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, '지우')]
type Tweet = { id: number; bookmarked?: boolean; retweetOf: Tweet | null }

const put = (id: number, as = ada) => call(app, `PUT /v1/tweets/${id}/bookmark`, { as })
const take = (id: number, as = ada) => call(app, `DELETE /v1/tweets/${id}/bookmark`, { as })
const ids = async (as = ada) => (await readAll(app, '/v1/bookmarks', as, 2)).map(({ id }) => id)

t.test('adding, listing and deleting a bookmark are idempotent', async (t) => {
  const first = await tweet(app, bo, '첫 트윗 🐣')
  const second = await tweet(app, bo, 'second')
  for (const id of [second.id, first.id, second.id]) t.equal((await put(id)).status, 204)
  t.strictSame(await ids(), [first.id, second.id], 'the latest bookmark first')
  t.strictSame(await ids(bo), [], 'nobody else sees them')
  t.equal((await read(app, `/v1/tweets/${first.id}`, ada)).bookmarked, true)
  t.equal((await read(app, `/v1/tweets/${first.id}`, bo)).bookmarked, false)
  t.notOk('bookmarked' in (await read(app, `/v1/tweets/${first.id}`)), 'not for the public')
  for (const _ of [1, 2]) t.equal((await take(first.id)).status, 204)
  t.strictSame(await ids(), [second.id])
  await take(second.id)
})

t.test('bookmarking a retweet bookmarks the original', async (t) => {
  const original = await tweet(app, bo)
  await retweet(app, bo, original.id)
  const [shared] = (await read(app, `/v1/users/${bo.id}/tweets`, ada)).items
  t.equal((await put(shared.id)).status, 204)
  t.strictSame(await ids(), [original.id])
  const again: Tweet = await read(app, `/v1/tweets/${shared.id}`, ada)
  t.strictSame([again.bookmarked, again.retweetOf?.bookmarked], [false, true])
  await take(shared.id)
  t.strictSame(await ids(), [])
})

t.test('concurrent bookmarks of one tweet make one bookmark', async (t) => {
  const { id } = await tweet(app, bo)
  const answers = await Promise.all(Array.from({ length: 10 }, () => put(id)))
  t.ok(answers.every(({ status }) => status === 204))
  t.strictSame(await ids(), [id])
  await take(id)
})

t.test('a missing or hidden tweet cannot be bookmarked', async (t) => {
  const hidden = await tweet(app, bo, 'hidden')
  const kept = await tweet(app, bo, 'kept')
  await put(kept.id)
  await relate(app, bo, 'block', ada)
  t.match((await put(hidden.id)).body, { status: 404, code: 'TWEET_NOT_FOUND' })
  t.strictSame(await ids(), [], 'a block hides what was bookmarked')
  await unrelate(app, bo, 'block', ada)
  t.strictSame(await ids(), [kept.id], 'and no longer')
  t.equal((await put(999_999)).status, 404)
  t.match((await put(Number.NaN)).body, { code: 'VALIDATION_FAILED' })
  t.equal((await call(app, 'GET /v1/bookmarks')).status, 401)
  await removeTweet(app, bo, kept.id)
  t.equal((await put(kept.id)).status, 404)
  t.strictSame(await ids(), [])
  await drained(app)
  t.strictSame(await app.db.select().from(app.tables.bookmarks), [], 'no row is left of it')
})

t.test('deleting an account deletes its bookmarks', async (t) => {
  const { id } = await tweet(app, bo)
  const cy = await signUp(app, 'Cy')
  await put(id, cy)
  await put(id, ada)
  const body = { password: cy.password }
  t.equal((await call(app, 'DELETE /v1/users/me', { as: cy, body })).status, 204)
  await drained(app)
  const rows = await app.db.select().from(app.tables.bookmarks)
  t.strictSame(
    rows.map(({ userId }) => userId),
    [ada.id],
  )
})

t.test('users with few and with thousands of bookmarks are read together', async (t) => {
  const [few, many] = [await signUp(app), await signUp(app)]
  const { bookmarks, tweets } = app.tables
  await app.db
    .insert(tweets)
    .values(Array.from({ length: 2_001 }, () => ({ authorId: bo.id, text: 'a' })))
  const ofBo = await app.db
    .select({ tweetId: tweets.id })
    .from(tweets)
    .where(eq(tweets.authorId, bo.id))
  const all = ofBo.map(({ tweetId }) => tweetId)
  await app.db.insert(bookmarks).values(all.map((tweetId) => ({ userId: many.id, tweetId })))
  const [first = 0, second = 0] = all
  await put(first, few)
  const found = await Promise.all(
    [few, many].map(({ id }) => app.bookmarks.bookmarked(id, [first, second])),
  )
  t.strictSame(
    found.map((some) => [some.has(first), some.has(second)]),
    [
      [true, false],
      [true, true],
    ],
  )
})

t.test('every route is documented', async (t) => {
  t.strictSame(undocumented(app), [])
})
