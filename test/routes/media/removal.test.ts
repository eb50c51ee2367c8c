import { setTimeout as sleep } from 'node:timers/promises'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { call, drained, read, removeTweet, setUp, signUp, tweet } from '../../helper.ts'
import {
  formOf,
  newMedia,
  objectKeys,
  orphanKeys,
  plain,
  sendForm,
  upload,
} from '../../multipart.ts'
import { hang, startS3FaultProxy } from '../../s3-fault-proxy.ts'

const app = await setUp(t)
const jpeg = await plain()
const { media } = app.tables

t.test('deleting a tweet deletes its pictures', async (t) => {
  const user = await signUp(app, 'Deletes')
  const [kept, gone] = [await newMedia(app, user, jpeg), await newMedia(app, user, jpeg)]
  const other = await tweet(app, user, 'stays', { mediaIds: [kept.id] })
  const { id } = await tweet(app, user, 'goes', { mediaIds: [gone.id] })
  await removeTweet(app, user, id)
  t.match(await read(app, `/v1/tweets/${id}`), { deleted: true, media: [] }, 'at once')
  await drained(app)
  t.equal((await fetch(gone.variants.large.url)).status, 404)
  t.equal((await call(app, `GET /v1/media/${gone.id}`, { as: user })).status, 404)
  t.equal((await fetch(kept.variants.large.url)).status, 200)
  t.equal((await read(app, `/v1/tweets/${other.id}`)).media.length, 1)
})

t.test('deleting an account deletes all its pictures', async (t) => {
  const [gone, other] = [await signUp(app, 'Gone'), await signUp(app, 'Other')]
  const before = await objectKeys(app)
  const { id } = await newMedia(app, gone, jpeg)
  await tweet(app, gone, 'with one', { mediaIds: [id] })
  await newMedia(app, gone, jpeg)
  await upload(app, jpeg, { as: gone })
  await sendForm(app, gone, formOf(jpeg), 'PUT /v1/users/me/header')
  const theirs = await newMedia(app, other, jpeg)
  t.equal((await objectKeys(app)).length, before.length + 9)
  await call(app, 'DELETE /v1/users/me', { as: gone, body: { password: gone.password } })
  await drained(app)
  t.equal((await objectKeys(app)).length, before.length + 1)
  t.equal((await fetch(theirs.variants.small.url)).status, 200)
  t.strictSame(await app.db.select().from(media).where(eq(media.ownerId, gone.id)), [])
  const { users } = app.tables
  t.strictSame(await app.db.select().from(users).where(eq(users.id, gone.id)), [])
})

t.test('uploads during an account deletion leave nothing', async (t) => {
  const before = await objectKeys(app)
  const user = await signUp(app, 'Racing')
  const uploads = Array.from({ length: 4 }, () =>
    sendForm(app, user, formOf(jpeg), 'POST /v1/media'),
  )
  const answers = await Promise.all([
    call(app, 'DELETE /v1/users/me', { as: user, body: { password: user.password } }),
    ...uploads,
  ])
  const statuses = answers.map(({ status }) => status)
  t.ok(
    statuses.every((status) => [204, 201, 401, 404].includes(status)),
    statuses.join(' '),
  )
  await drained(app)
  t.strictSame(await app.db.select().from(media).where(eq(media.ownerId, user.id)), [])
  // A late upload has stored its objects and got no row; the sweep deletes them.
  const left = (await objectKeys(app)).filter((key) => !before.includes(key))
  t.strictSame(await orphanKeys(app), left)
  if (left.length > 0) await app.s3.remove(left)
})

t.test('pictures without a tweet are deleted after a day', async (t) => {
  const user = await signUp(app, 'Forgets')
  const [old, recent, used] = [
    await newMedia(app, user, jpeg),
    await newMedia(app, user, jpeg),
    await newMedia(app, user, jpeg),
  ]
  await tweet(app, user, 'used', { mediaIds: [used.id] })
  for (const [{ id }, hours] of [
    [old, 25],
    [recent, 23],
    [used, 100],
  ] as const) {
    await app.db
      .update(media)
      .set({ createdAt: sql`NOW(3) - INTERVAL ${hours} HOUR` })
      .where(eq(media.id, id))
  }
  const recurring = eq(app.tables.jobs.uniqueKey, 'media.expire')
  t.equal(await app.db.$count(app.tables.jobs, recurring), 1, 'the job runs automatically')
  await app.media.expire()
  await drained(app)
  t.equal((await call(app, `GET /v1/media/${old.id}`, { as: user })).status, 404)
  t.equal((await fetch(old.variants.small.url)).status, 404)
  t.equal((await fetch(recent.variants.small.url)).status, 200)
  t.equal((await fetch(used.variants.small.url)).status, 200)
  t.equal((await call(app, `DELETE /v1/media/${recent.id}`, { as: user })).status, 204)
})

t.test('deletions succeed while S3 hangs, and objects are deleted later', async (t) => {
  const front = await startS3FaultProxy(t, app.config.s3.endpoint ?? '')
  const other = await setUp(t, { S3_ENDPOINT: front.url, LOG_LEVEL: 'silent' })
  const [ann, ben] = [await signUp(other, 'Ann'), await signUp(other, 'Ben')]
  const tweets = []
  for (let i = 0; i < 12; i++) {
    const { id } = await newMedia(other, ann, jpeg)
    tweets.push(await tweet(other, ann, `picture ${i}`, { mediaIds: [id] }))
  }
  const unused = await newMedia(other, ann, jpeg)
  await newMedia(other, ben, jpeg)
  await drained(other)
  front.misbehave(hang)
  t.equal((await call(other, `DELETE /v1/media/${unused.id}`, { as: ann })).status, 204)
  for (const { id } of tweets) await removeTweet(other, ann, id)
  await call(other, 'DELETE /v1/users/me', { as: ben, body: { password: ben.password } })

  // The jobs that wait for S3 hold nobody else up, once they all have begun to.
  await sleep(1_000)
  const done = Promise.withResolvers<number>()
  other.jobs.define('test.note', async () => done.resolve(performance.now()))
  const begin = performance.now()
  await other.transaction((tx) => other.jobs.add(tx, ['test.note'], {}))
  t.ok((await done.promise) - begin < 2_000, 'other jobs run meanwhile')

  front.misbehave()
  await drained(other)
  t.strictSame(await objectKeys(other), [])
})
