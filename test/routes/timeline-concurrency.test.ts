import { setTimeout as sleep } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { DELIVERY } from '../../routes/timeline/delivery.ts'
import { createCachedTimeline } from '../../routes/timeline/read/cached-timeline.ts'
import { createRecentTweets } from '../../routes/timeline/read/recent-tweets.ts'
import { createTimelineRows } from '../../routes/timeline/read/rows.ts'
import { SIZES } from '../../routes/timeline/sizes.ts'
import { type App, settings } from '../helper.ts'

// Requests of one reader that overlap with each other and with writes. A statement is held back by a
// view of the app whose prepared queries answer late.

const app: App = await build(await settings(t))
t.teardown(() => app.close())
await app.jobs.stop()
const { follows, timelineEntries, timelineStates, tweets } = app.tables

let people = 0
const signUp = () =>
  app.users.create({ name: 'Crowd', email: `${++people}@example.com`, passwordHash: '' })
const idsOf = ({ rows }: { rows: { id: number }[] }) => rows.map(({ id }) => id)

/** A reader whose timeline is materialised, one materialised followee and merged ones. */
async function createReader(merged: number) {
  const [reader, steady] = [await signUp(), await signUp()]
  const others: number[] = []
  for (let n = 0; n < merged; n++) others.push(await signUp())
  for (const author of [steady, ...others]) {
    await app.graph.follow(reader, author)
    const delivery = author === steady ? DELIVERY.materialised : DELIVERY.merged
    await app.db.update(follows).set({ delivery }).where(eq(follows.followeeId, author))
  }
  const state = { delivery: DELIVERY.materialised, seenAt: new Date() }
  await app.db.insert(timelineStates).values({ readerId: reader, ...state })
  return { reader, steady, others }
}

async function tweetBy(authorId: number, reader: number, delivered: boolean) {
  const { id } = await app.tweets.create({ authorId, text: 'hello' })
  if (delivered) await app.db.insert(timelineEntries).values({ readerId: reader, tweetId: id })
  await app.db.update(tweets).set({ undelivered: null }).where(eq(tweets.id, id))
  return id
}

/** The app, with prepared queries whose answers wait for `release`, if they begin after `hold`. */
function createSlowApp() {
  let held: PromiseWithResolvers<void> | undefined
  const prepareQuery = (build: never) => {
    const run = app.prepareQuery(build) as (...args: unknown[]) => Promise<unknown>
    return async (...args: unknown[]) => {
      const waiting = held?.promise
      const rows = await run(...args)
      await waiting
      return rows
    }
  }
  const hold = () => {
    held = Promise.withResolvers()
  }
  /** Later queries are quick again; the returned function lets the held ones answer. */
  function holdNoMore() {
    const { resolve } = held ?? Promise.withResolvers()
    held = undefined
    return resolve
  }
  const slow = Object.create(app, { prepareQuery: { value: prepareQuery } }) as App
  return { slow, hold, holdNoMore }
}

t.test('the entry of an undone retweet hides no tweet of many merged authors', async (t) => {
  const { reader, steady, others } = await createReader(3)
  const all: number[] = []
  for (let n = 0; n < 12; n++) {
    const author = n % 2 ? steady : (others[n % 3] as number)
    all.unshift(await tweetBy(author, reader, author === steady))
  }
  const original = await tweetBy(await signUp(), reader, false)
  await app.tweets.retweet(original, steady)
  const [retweet] = await app.db.select().from(tweets).where(eq(tweets.retweetOfId, original))
  await app.db.insert(timelineEntries).values({ readerId: reader, tweetId: retweet?.id ?? 0 })
  await app.tweets.undoRetweet(original, steady)
  const small = { maxMergedAuthors: 2, cachedRows: 4, rowsPerExtension: 4, rowsPerRetry: 4 }
  await app.cache.sync()
  const readRows = createTimelineRows(app, async () => {}, { ...SIZES, ...small })
  const loaded = { found: new Map(), people: new Map() }
  const rows = await readRows(reader, { below: undefined, above: 0, limit: 12 }, loaded)
  t.strictSame(idsOf({ rows }), all)
})

t.test('a tweet that is committed while a timeline is extended is not lost', async (t) => {
  const { reader, steady } = await createReader(1)
  const old: number[] = []
  for (let n = 0; n < 3; n++) old.unshift(await tweetBy(steady, reader, true))
  const inserted = Promise.withResolvers<number>()
  const mayCommit = Promise.withResolvers<void>()
  const draft = await app.tweets.prepare({ authorId: steady, text: 'committed late' })
  const writing = app.transaction(async (tx) => {
    inserted.resolve((await app.tweets.write(draft, tx)).id)
    await mayCommit.promise
  })
  const lateId = await inserted.promise
  for (let n = 0; n < 3; n++) old.unshift(await tweetBy(steady, reader, true))

  const { slow, hold, holdNoMore } = createSlowApp()
  const sizes = { ...SIZES, cachedRows: 2, rowsPerExtension: 10 }
  const { current, readBelow } = createCachedTimeline(slow, sizes)
  await app.cache.sync()
  const timeline = await current(reader)
  t.strictSame(idsOf(timeline), old.slice(0, 2))
  const { from } = timeline
  hold()
  const first = readBelow(timeline, reader, from, 10)
  await sleep(200)
  const release = holdNoMore()
  mayCommit.resolve()
  await writing
  const second = current(reader).then((timeline) => readBelow(timeline, reader, from, 10))
  release()
  await first
  const expected = [...old, lateId].sort((a, b) => b - a).filter((id) => id < from)
  t.strictSame(idsOf(await second), expected, 'a request that began after the commit')
  const third = await readBelow(await current(reader), reader, from, 10)
  t.strictSame(idsOf(third), expected, 'a later request')
})

t.test(
  'a page that a block overtakes shows nothing that was written after the block',
  async (t) => {
    const [reader, friend, blocked] = [await signUp(), await signUp(), await signUp()]
    await app.graph.follow(reader, friend)
    await app.tweets.create({ authorId: friend, text: 'before' })
    await app.cache.sync()
    const { slow, hold, holdNoMore } = createSlowApp()
    const { current } = createCachedTimeline(slow)
    hold()
    const reading = current(reader)
    await sleep(200)
    const release = holdNoMore()
    await app.graph.block(reader, blocked)
    const { id } = await app.tweets.create({ authorId: blocked, text: 'after the block' })
    await app.tweets.retweet(id, friend)
    await app.cache.sync()
    release()
    t.notOk((await reading).rows.some(({ originalId }) => originalId === id))
  },
)

t.test('a cached timeline stays bounded while tweets come', async (t) => {
  const [reader, friend] = [await signUp(), await signUp()]
  await app.graph.follow(reader, friend)
  const { current } = createCachedTimeline(app, { ...SIZES, maxCachedRows: 40 })
  await current(reader)
  for (let n = 0; n < 60; n++) {
    await app.tweets.create({ authorId: friend, text: 'hello' })
    if (n % 10 === 0) await current(reader)
  }
  t.equal((await current(reader)).rows.length, 40)
})

t.test('a request reads the authors of a bounded number of recent tweets', async (t) => {
  const author = await signUp()
  await app.cache.sync()
  const recent = createRecentTweets(app, { ...SIZES, maxUnreadTweets: 2 })
  const position = recent.position()
  const write = async () => {
    const { id } = await app.tweets.create({ authorId: author, text: 'hello' })
    await app.cache.sync()
    return { id, authorId: author }
  }
  const [first, second] = [await write(), await write()]
  t.strictSame(await recent.since(position), [first, second])
  const third = [await write(), await write(), await write()]
  t.equal(await recent.since(position), undefined, 'three authors are not read')
  t.strictSame(await recent.since(position + 3), third.slice(1))
})
