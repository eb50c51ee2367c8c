import { setTimeout as sleep } from 'node:timers/promises'
import {
  call,
  drained,
  read,
  readAll,
  relate,
  removeTweet,
  setUp,
  signUp,
  tweet,
  type User,
  unrelate,
} from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'

const app = await setUp(t)
const ann = await signUp(app, 'Ann', { handle: 'ann' })
const bob = await signUp(app, 'Bob', { handle: 'bob_b' })
const cho = await signUp(app, '초희', { handle: 'cho' })
const mentioned: { tweetId: number; mentionedIds: number[] }[] = []
app.events.afterCommit('tweet.mentioned', (event) => void mentioned.push(event))

const idsOf = (items: { id: number }[]) => items.map(({ id }) => id)
const entities = async (id: number) => (await read(app, `/v1/tweets/${id}`)).entities
const deleteAccount = (as: User) =>
  call(app, 'DELETE /v1/users/me', { as, body: { password: as.password } })

t.test('a mention refers to the user who had the handle at the time', async (t) => {
  const dan = await signUp(app, 'Dan', { handle: 'dan' })
  const eve = await signUp(app, 'Eve', { handle: 'eve' })
  const { id } = await tweet(app, cho, '@dan @eve @later')
  await drained(app)
  const rename = { as: dan, body: { handle: 'dan_2' } }
  t.equal((await call(app, 'PATCH /v1/users/me', rename)).status, 200)
  t.equal((await deleteAccount(eve)).status, 204)
  // Both handles rest for a month.
  await app.db.delete(app.tables.restingHandles)
  for (const handle of ['dan', 'eve', 'later']) await signUp(app, 'Impostor', { handle })
  const expected = [{ userId: dan.id, handle: 'dan_2', start: 0, end: 4 }]
  t.strictSame((await entities(id)).mentions, expected)
  await drained(app)
  t.strictSame((await entities(id)).mentions, expected, 'not announced when the account is erased')
  t.strictSame(idsOf(await readAll(app, '/v1/users/me/mentions', dan)), [id])
})

t.test('mentions are announced once and listed for the mentioned user', async (t) => {
  const { id } = await tweet(app, ann, 'hi @bob_b, @Bob_B and myself, @ann')
  const other = await tweet(app, cho, '@bob_b?')
  await tweet(app, cho, 'me, @cho, and @nobody')
  await drained(app)
  for (const _ of [1, 2]) {
    await app.transaction((tx) => app.jobs.add(tx, ['hashtags.index'], { tweetId: id }))
  }
  await drained(app)
  t.strictSame(
    mentioned.filter(({ tweetId }) => tweetId >= id).sort((a, b) => a.tweetId - b.tweetId),
    [
      { tweetId: id, authorId: ann.id, mentionedIds: [bob.id] },
      { tweetId: other.id, authorId: cho.id, mentionedIds: [bob.id] },
    ],
  )
  const list = async () => idsOf(await readAll(app, '/v1/users/me/mentions', bob, 1))
  t.strictSame((await list()).slice(0, 2), [other.id, id])
  await relate(app, bob, 'block', ann)
  await removeTweet(app, cho, other.id)
  t.strictSame(
    (await list()).filter((one) => one >= id),
    [],
  )
  await unrelate(app, bob, 'block', ann)
})

async function rowsOf(id: number) {
  const { hashtagMentions, hashtagTrends, hashtagTweets } = app.tables
  const ofTweet = async (table: typeof hashtagTweets | typeof hashtagMentions) =>
    (await app.db.select({ id: table.tweetId }).from(table)).filter((row) => row.id === id)
  const counted = await app.db.select().from(hashtagTrends).where(eq(hashtagTrends.tag, 'gone'))
  return [...(await ofTweet(hashtagTweets)), ...(await ofTweet(hashtagMentions)), ...counted]
}

t.test('a tweet that is deleted before its job runs is not indexed', async (t) => {
  await app.jobs.stop()
  const { id } = await tweet(app, ann, '#gone @bob_b')
  await removeTweet(app, ann, id)
  await app.jobs.start()
  await drained(app)
  t.strictSame(await rowsOf(id), [])
  t.notOk(mentioned.some(({ tweetId }) => tweetId === id))
})

t.test('a tweet that is deleted while its job runs is not indexed', async (t) => {
  await app.jobs.stop()
  const { id } = await tweet(app, ann, '#gone @bob_b')
  const connection = await app.mysql.pool.getConnection()
  await connection.beginTransaction()
  await connection.query('UPDATE tweets SET text = NULL, deleted_at = NOW(3) WHERE id = ?', [id])
  await app.jobs.start()
  // By now the job has read the text and its first row waits for this transaction.
  await sleep(500)
  await connection.commit()
  connection.release()
  await drained(app)
  t.strictSame(await rowsOf(id), [])
  t.notOk(mentioned.some(({ tweetId }) => tweetId === id))
})

t.test('a tweet with more than ten mentions is rejected', async (t) => {
  const some = Array.from({ length: 10 }, (_, n) => `@user_${n}`).join(' ')
  await tweet(app, ann, `${some} @user_0 @USER_1`)
  const body = { text: `${some} @user_10` }
  t.match(await call(app, 'POST /v1/tweets', { as: ann, body }), {
    status: 422,
    body: { code: 'TOO_MANY_MENTIONS' },
  })
})

t.test('mentions by muted users are left out, as in notifications', async (t) => {
  const [reader, loud] = [await signUp(app, 'Reader'), await signUp(app, 'Loud')]
  const first = await tweet(app, ann, `@${reader.handle} hello`)
  const muted = await tweet(app, loud, `@${reader.handle} LOOK AT ME`)
  const last = await tweet(app, ann, `@${reader.handle} bye`)
  await drained(app)
  const shown = async () => idsOf(await readAll(app, '/v1/users/me/mentions', reader, 1))
  t.strictSame(await shown(), [last.id, muted.id, first.id])
  await relate(app, reader, 'mute', loud)
  t.strictSame(await shown(), [last.id, first.id], 'on every page')
  await unrelate(app, reader, 'mute', loud)
  t.strictSame(await shown(), [last.id, muted.id, first.id])
})
