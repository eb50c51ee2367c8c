import { drained, read, setUp, signUp, tweet, type User } from 'birdhouse/testing'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'

const app = await setUp(t)
const { hashtagMentions, hashtagTrends, hashtagTweets, hashtagWalks, tweets } = app.tables
const [ann, bob] = [await signUp(app, 'Ann'), await signUp(app, 'Bob')]

const age = (id: number, hours: number) =>
  app.db
    .update(tweets)
    .set({ createdAt: sql`NOW(3) - INTERVAL ${hours} HOUR` })
    .where(eq(tweets.id, id))

async function counted() {
  const rows = await app.db.select().from(hashtagTrends)
  return Object.fromEntries(rows.map(({ tag, authors }) => [tag, authors]).sort())
}

const context = (signal = new AbortController().signal) => {
  const seen: [number, number][] = []
  return { seen, progress: (done: number, total: number) => void seen.push([done, total]), signal }
}
const insert = async (author: User, text: string, minutes: number, deletedAt?: Date) => {
  const createdAt = new Date(Date.now() - minutes * 60_000)
  const [{ insertId }] = await app.db
    .insert(tweets)
    .values({ authorId: author.id, text, createdAt, deletedAt })
  return insertId
}
const tagged = async (tag: string) =>
  (await read(app, `/v1/hashtags/${tag}/tweets`)).items.map(({ id }: { id: number }) => id)

t.test('older tweets are indexed automatically, without notifications', async (t) => {
  const told: unknown[] = []
  const stop = app.events.afterCommit('tweet.mentioned', (event) => void told.push(event))
  const [old, recent] = [
    await insert(bob, `#past @${ann.handle}`, 2000),
    await insert(ann, '#past', 10),
  ]
  await insert(ann, '#past', 10, new Date())
  const young = await insert(ann, '#past', 0)
  await app.hashtags.catchUp()
  t.strictSame(
    await tagged('past'),
    [recent, old],
    'tweets that may still have an event are left to the event',
  )
  t.equal((await counted()).past, 1)
  t.strictSame(told, [])
  await app.db.delete(hashtagTweets).where(eq(hashtagTweets.tweetId, young))

  // A tweet with an event is announced once, by the one that is first.
  await app.jobs.stop()
  const { id } = await tweet(app, ann, `#past @${bob.handle}`)
  await age(id, 1)
  await app.hashtags.catchUp()
  t.equal((await tagged('past'))[0], id)
  await app.jobs.start()
  await drained(app)
  t.match(told, [{ tweetId: id, mentionedIds: [bob.id] }])
  t.equal(told.length, 1)
  stop()
})

t.test(
  'the task indexes all tweets, continues where it stopped and changes nothing twice',
  async (t) => {
    await app.db.insert(tweets).values(
      Array.from({ length: 450 }, (_, n) => ({
        authorId: bob.id,
        text: n % 3 ? `${n}` : `${n} #walk`,
        createdAt: new Date(Date.now() - 86_400_000 * 2),
      })),
    )
    const interruption = new AbortController()
    const first = context(interruption.signal)
    const interrupted = app.hashtags.backfill({
      ...first,
      progress: (done, total) => {
        first.progress(done, total)
        if (done > 0) interruption.abort()
      },
    })
    await t.rejects(interrupted, { name: 'AbortError' })
    const reached = first.seen.at(-1)?.[0]
    const second = context()
    t.match(await app.hashtags.backfill(second), /^\d+ tweets/)
    t.equal(second.seen[0]?.[0], reached, 'goes on')
    const [done, total] = second.seen.at(-1) ?? []
    t.equal(done, total)
    const rows = await app.db.select().from(hashtagTweets)
    t.equal(rows.filter(({ tag }) => tag === 'walk').length, 150)

    const mentions = await app.db.select().from(hashtagMentions)
    const before = [rows, mentions, await counted()]
    await app.hashtags.backfill(context())
    t.strictSame(
      [
        await app.db.select().from(hashtagTweets),
        await app.db.select().from(hashtagMentions),
        await counted(),
      ],
      before,
    )
    const walks = await app.db.select().from(hashtagWalks)
    t.strictSame(
      walks.map(({ name }) => name),
      ['catch-up'],
      'the next starts from the first again',
    )
  },
)
