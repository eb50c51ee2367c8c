import { call, drained, read, removeTweet, retweet, setUp, signUp, tweet } from 'birdhouse/testing'
import { and, desc, eq, gt, isNull, sql } from 'drizzle-orm'
import fc from 'fast-check'
import t from 'tap'
import { parse } from '../parse.ts'

const app = await setUp(t)
const { hashtagAuthors, hashtagTrends, tweets, users } = app.tables
const [ann, bob, cho] = [
  await signUp(app, 'Ann'),
  await signUp(app, 'Bob'),
  await signUp(app, '초희'),
]
type Trend = { tag: string; authors: number }

const trending = async (as?: typeof ann, limit = 50): Promise<[string, number][]> => {
  const { items } = await read(app, `/v1/hashtags/trending?limit=${limit}`, as)
  return items.map(({ tag, authors }: Trend) => [tag, authors])
}
const age = (id: number, hours: number) =>
  app.db
    .update(tweets)
    .set({ createdAt: sql`NOW(3) - INTERVAL ${hours} HOUR` })
    .where(eq(tweets.id, id))

/** The definition, over the tweets themselves. */
async function recount() {
  const rows = await app.db
    .select({ text: tweets.text, authorId: tweets.authorId })
    .from(tweets)
    .innerJoin(users, eq(users.id, tweets.authorId))
    .where(
      and(
        isNull(tweets.deletedAt),
        isNull(users.deletedAt),
        gt(tweets.createdAt, sql`NOW(3) - INTERVAL 24 HOUR`),
      ),
    )
  const pairs = rows.flatMap(({ text, authorId }) =>
    parse(text ?? '').hashtags.map(({ key }) => `${key} ${authorId}`),
  )
  const perTag = Map.groupBy(new Set(pairs), (pair) => pair.split(' ')[0] ?? '')
  return Object.fromEntries([...perTag].map(([tag, { length }]) => [tag, length]).sort())
}

async function counted() {
  const rows = await app.db.select().from(hashtagTrends)
  return Object.fromEntries(rows.map(({ tag, authors }) => [tag, authors]).sort())
}

t.test('trends rank tags by the number of their authors', async (t) => {
  for (let n = 0; n < 5; n++) await tweet(app, ann, `${n} #Pushed`)
  await tweet(app, ann, '#새 #BIRD #bird')
  // Shown as written first, which is by the order of jobs.
  await drained(app)
  const second = await tweet(app, bob, '#새 #bird')
  await retweet(app, cho, second.id)
  await tweet(app, cho, '#새')
  await drained(app)
  t.strictSame(await trending(), [
    ['새', 3],
    ['BIRD', 2],
    ['Pushed', 1],
  ])
  t.strictSame(await trending(undefined, 1), [['새', 3]])
  await call(app, 'PUT /v1/hashtags/bird/mute', { as: cho })
  t.strictSame(await trending(cho, 2), [
    ['새', 3],
    ['Pushed', 1],
  ])
  await removeTweet(app, bob, second.id)
  await tweet(app, bob, '#late')
  await drained(app)
  t.strictSame((await trending()).slice(1, 3), [
    ['late', 1],
    ['BIRD', 1],
  ])
  for (const limit of ['0', '51', 'x']) {
    t.equal((await call(app, `GET /v1/hashtags/trending?limit=${limit}`)).status, 400)
  }
})

t.test('a use of a tag counts for one day', async (t) => {
  const old = await tweet(app, ann, '#day')
  await tweet(app, bob, '#day')
  await drained(app)
  const mine = eq(hashtagAuthors.tweetId, old.id)
  await age(old.id, 25)
  await app.db.update(hashtagAuthors).set({ usedAt: sql`NOW(3) - INTERVAL 25 HOUR` }).where(mine)
  await app.hashtags.purge()
  t.equal((await counted()).day, 1)
  const again = await tweet(app, ann, '#day again')
  await drained(app)
  t.equal((await counted()).day, 2)
  await age(old.id, 23)
  await app.transaction((tx) => app.jobs.add(tx, ['hashtags.index'], { tweetId: old.id }))
  await drained(app)
  const rows = await app.db.select().from(hashtagAuthors).where(eq(hashtagAuthors.tag, 'day'))
  t.ok(
    rows.some(({ tweetId }) => tweetId === again.id),
    'the latest use, whichever is seen last',
  )
})

t.test('after any history, the counts equal those of the tweets', async (t) => {
  const people = await Promise.all([1, 2, 3, 4].map((n) => signUp(app, `Crowd ${n}`)))
  const step = fc.record({
    kind: fc.constantFrom('tweet', 'tweet', 'remove'),
    person: fc.nat(3),
    tag: fc.constantFrom('#a', '#b', '#A #c', '#c #b #a'),
  })
  const act = async ({ kind, person, tag }: { kind: string; person: number; tag: string }) => {
    const authorId = people[person]?.id ?? 0
    if (kind === 'tweet') return app.tweets.create({ authorId, text: tag })
    const own = and(eq(tweets.authorId, authorId), isNull(tweets.deletedAt))
    const [last] = await app.db.select().from(tweets).where(own).orderBy(desc(tweets.id)).limit(1)
    if (last) await app.tweets.remove(last.id, authorId).catch(() => {})
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      // Half of them at the same time, while jobs run.
      await Promise.all(steps.slice(0, steps.length / 2).map(act))
      for (const one of steps.slice(steps.length / 2)) await act(one)
      await drained(app)
      t.strictSame(await counted(), await recount())
    }),
    { numRuns: 8 },
  )
  for (const as of people.slice(2)) {
    await call(app, 'DELETE /v1/users/me', { as, body: { password: as.password } })
  }
  await drained(app)
  t.strictSame(await counted(), await recount(), 'without the deleted accounts')
})
