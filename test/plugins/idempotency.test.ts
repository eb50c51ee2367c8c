import { setTimeout as sleep } from 'node:timers/promises'
import { count, eq, sql } from 'drizzle-orm'
import t from 'tap'
import { setUp, signUp, type User } from '../helper.ts'

const app = await setUp(t)
const { idempotencyKeys, tweets } = app.tables
const [ann, ben] = (await Promise.all([signUp(app, 'Ann'), signUp(app, 'Ben')])) as [User, User]

const run = (user: User, key: string, body: unknown, pause = 0) =>
  app.idempotency.run(
    { userId: user.id, key, body },
    async () => {},
    async (_, tx) => {
      const tweet = await app.tweets.create({ authorId: user.id, text: 'hello' }, tx)
      await sleep(pause)
      return tweet
    },
  )
const written = async (user: User) =>
  (await app.db.select({ n: count() }).from(tweets).where(eq(tweets.authorId, user.id)))[0]?.n

t.test('a repeat gets the first answer and has no effect', async (t) => {
  const before = (await written(ann)) ?? 0
  const first = await run(ann, 'a', { text: 'hello' })
  const second = await run(ann, 'a', { text: 'hello' })
  t.strictSame(second, JSON.parse(JSON.stringify(first)), 'the stored answer')
  t.equal(await written(ann), before + 1)
  await t.rejects(run(ann, 'a', { text: 'other' }), {
    code: 'IDEMPOTENCY_KEY_REUSED',
    statusCode: 422,
  })
  t.equal(await written(ann), before + 1)
  t.not((await run(ann, 'A', { text: 'hello' })).id, first.id, 'keys are compared byte by byte')
  t.not((await run(ben, 'a', { text: 'hello' })).id, first.id, 'keys belong to a user')
})

t.test('concurrent repeats run once, and another body is rejected', async (t) => {
  const before = (await written(ann)) ?? 0
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => run(ann, 'at once', { text: 'hello' }, 10 * n)),
  )
  t.equal(new Set(answers.map(({ id }) => id)).size, 1)
  t.equal(await written(ann), before + 1)

  const bodies = await Promise.allSettled(
    Array.from({ length: 6 }, (_, n) => run(ann, 'two bodies', { n: n % 2 }, 20)),
  )
  const refused = bodies.filter((answer) => answer.status === 'rejected')
  t.equal(refused.length, 3)
  t.ok(refused.every(({ reason }) => reason.code === 'IDEMPOTENCY_KEY_REUSED'))
  t.equal(await written(ann), before + 2)
})

t.test('a failed request leaves its key unused', async (t) => {
  const before = (await written(ann)) ?? 0
  const broken = app.idempotency.run(
    { userId: ann.id, key: 'b', body: {} },
    async () => {},
    async (_, tx) => {
      await app.tweets.create({ authorId: ann.id, text: 'never' }, tx)
      throw new Error('changed my mind')
    },
  )
  await t.rejects(broken, { message: 'changed my mind' })
  t.equal(await written(ann), before)
  await run(ann, 'b', {})
  t.equal(await written(ann), before + 1)
})

t.test('keys are purged after a day', async (t) => {
  const old = await run(ann, 'old', {})
  const recent = await run(ann, 'recent', {})
  const age = (key: string, hours: number) =>
    app.db
      .update(idempotencyKeys)
      .set({ createdAt: sql`NOW(3) - INTERVAL ${hours} HOUR` })
      .where(eq(idempotencyKeys.key, key))
  await age('old', 25)
  await age('recent', 23)
  await app.idempotency.purge()
  t.not((await run(ann, 'old', {})).id, old.id)
  t.equal((await run(ann, 'recent', {})).id, recent.id)
})
