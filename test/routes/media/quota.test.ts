import t from 'tap'
import { call, drained, read, removeTweet, settings, setUp, signUp, tweet } from '../../helper.ts'
import { newMedia, objectKeys, postMedia, upload } from '../../multipart.ts'
import { photo } from '../../pictures/make.ts'
import { slow, startS3FaultProxy } from '../../s3-fault-proxy.ts'

const env = await settings(t)
const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
const app = await setUp(t, { ...env, S3_ENDPOINT: front.url, MEDIA_QUOTA_MB: '1' })
/** Some 300 KB in three variants, so that three fit. */
const picture = await (await photo(1600, 1200)).jpeg().toBuffer()
const usage = (as: { token: string }) => read(app, '/v1/media/usage', as as never)

/** Uploads until the quota refuses; returns the pictures. */
async function fill(as: { token: string }) {
  const made: { id: number }[] = []
  for (;;) {
    const { status, body } = await postMedia(app, as, picture)
    if (status !== 201) return { made, status, body }
    made.push(body)
  }
}

t.test(
  'an account stores pictures up to its quota, and room is free after a deletion',
  async (t) => {
    const [user, other] = [await signUp(app, 'Full'), await signUp(app, 'Other')]
    t.strictSame(await usage(user), { pictures: 0, bytes: 0, quota: 1_000_000 })
    const { made, status, body } = await fill(user)
    t.match([status, body.code], [403, 'QUOTA_EXCEEDED'])
    t.match(body.detail, /take \d\.\d of 1 MB.*delete pictures/)
    const { pictures, bytes } = await usage(user)
    t.equal(pictures, made.length)
    t.ok(bytes > 300_000 && bytes <= 1_000_000, `${bytes} bytes`)
    t.equal(
      (await objectKeys(app)).length,
      3 * made.length,
      'nothing of the refused picture is stored',
    )
    t.equal(
      (await postMedia(app, other, picture)).status,
      201,
      'the others have quotas of their own',
    )
    t.equal(
      (await upload(app, picture, { as: user })).status,
      200,
      'a profile picture does not count',
    )

    await call(app, `DELETE /v1/media/${made[0]?.id}`, { as: user })
    t.equal((await usage(user)).pictures, pictures - 1)
    const again = await newMedia(app, user, picture)
    const { id } = await tweet(app, user, 'shown', { mediaIds: [again.id] })
    t.equal((await postMedia(app, user, picture)).status, 403, 'pictures in tweets count')
    await removeTweet(app, user, id)
    await drained(app)
    t.equal((await postMedia(app, user, picture)).status, 201)
  },
)

t.test('uploads at the same time do not exceed the quota together', async (t) => {
  const user = await signUp(app, 'Racing')
  const before = await objectKeys(app)
  // All find room before the first is stored.
  front.misbehave(slow(2_000))
  const answers = await Promise.all(Array.from({ length: 8 }, () => postMedia(app, user, picture)))
  front.misbehave()
  const stored = answers.filter(({ status }) => status === 201).length
  t.equal(answers.filter(({ status }) => status === 403).length, 8 - stored)
  const { pictures, bytes } = await usage(user)
  t.equal(pictures, stored)
  t.ok(bytes <= 1_000_000, `${bytes} bytes`)
  await drained(app)
  t.equal((await objectKeys(app)).length - before.length, 3 * stored, 'no object is left over')
})

t.test('the erasure of an account frees all of its room', async (t) => {
  const user = await signUp(app, 'Gone')
  const before = await objectKeys(app)
  await newMedia(app, user, picture)
  await call(app, 'DELETE /v1/users/me', { as: user, body: { password: user.password } })
  await drained(app)
  t.equal((await app.media.usage(user.id)).bytes, 0)
  t.strictSame(await objectKeys(app), before)
})
