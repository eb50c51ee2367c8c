import { setTimeout as sleep } from 'node:timers/promises'
import {
  type App,
  build,
  drained,
  readAll,
  relate,
  removeTweet,
  settings,
  signUp,
  tweet,
  type User,
} from 'birdhouse/testing'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import t from 'tap'
import { Listener, listen } from './listener.ts'

const env = await settings(t)
async function start() {
  const app: App = await build(env)
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}
const [app, other] = [await start(), await start()]
const { liveEvents, liveSequence } = app.tables
const [reader, bo, cy] = (await Promise.all(
  ['Reader', 'Bo', 'Cy'].map((name) => signUp(app, name)),
)) as [User, User, User]
for (const one of [bo, cy]) await relate(app, reader, 'follow', one)

const timeline = async () => (await readAll(app, '/v1/timeline', reader, 100)).map(({ id }) => id)
const rising = (a: number, b: number) => a - b

t.test('Last-Event-ID replays missed events once and in order, then sends new ones', async (t) => {
  const first = await listen(app, reader)
  first.close()
  const missed: number[] = []
  for (let n = 0; n < 5; n++) missed.push((await tweet(app, n % 2 ? bo : cy, `${n}`)).id)
  await drained(app)
  await removeTweet(app, bo, missed[1] ?? 0)
  await drained(app)

  const again = await listen(app, reader, { lastId: first.lastId })
  const { id } = await tweet(app, bo, 'new')
  await again.untilTweet(id)
  again.close()
  const kept = missed.filter((id) => id !== missed[1])
  t.strictSame(again.tweets.slice(0, 4).toSorted(rising), kept)
  t.strictSame(again.tweets.slice(4), [id])
  const names = again.events.map(({ event }) => event)
  t.strictSame(names, [...Array(4).fill('tweet'), 'tweet.deleted', 'hello', 'tweet'])

  const third = await listen(app, reader, { lastId: again.events[1]?.id })
  t.strictSame(third.tweets, again.tweets.slice(2), 'from any event on')
  third.close()
  const fourth = await listen(other, reader, { lastId: again.lastId })
  t.strictSame(fourth.tweets, [], 'from the last on there is nothing')
  fourth.close()
})

t.test('events of another process arrive within a second without Redis', async (t) => {
  const stream = await listen(other, reader)
  const times: number[] = []
  for (let n = 0; n < 4; n++) {
    await sleep(Math.random() * 300)
    const start = performance.now()
    await stream.untilTweet((await tweet(app, bo, `${n}`)).id)
    times.push(Math.round(performance.now() - start))
  }
  stream.close()
  t.comment(`after ${times} ms`)
  t.ok(Math.max(...times) < 1000)
})

t.test('a client that is ahead of a process does not affect other clients', async (t) => {
  const [here, there] = [await listen(app, reader), await listen(other, reader)]
  for (let n = 0; n < 4; n++) {
    const { id } = await tweet(app, bo, `${n}`)
    await here.untilTweet(id)
    const ahead = await listen(other, reader, { lastId: here.lastId })
    await there.untilTweet(id)
    t.strictSame([ahead.all('reset'), ahead.tweets], [[], []])
    ahead.close()
  }
  for (const one of [here, there]) one.close()
})

t.test('an expired or unknown event id asks the client to reload', async (t) => {
  const [head] = await app.db.select().from(liveSequence)
  const newest = head?.value ?? 0
  const future = await listen(app, reader, { lastId: newest + 1000 })
  t.strictSame(
    future.events.map(({ event, id }) => [event, id]),
    [
      ['reset', newest],
      ['hello', newest],
    ],
  )
  future.close()

  await app.db
    .update(liveEvents)
    .set({ createdAt: sql`NOW(3) - INTERVAL 25 HOUR` })
    .where(sql`seq <= ${newest - 2}`)
  await app.live.journal.purge()
  t.equal(await app.db.$count(liveEvents), 2)
  const enough = await listen(app, reader, { lastId: newest - 2 })
  t.equal(enough.events[0]?.event, 'tweet', 'all that came after it is still there')
  enough.close()
  const old = await listen(app, reader, { lastId: newest - 3 })
  t.strictSame(
    old.events.map(({ event }) => event),
    ['reset', 'hello'],
  )
  const { id } = await tweet(app, bo)
  await old.untilTweet(id)
  old.close()
})

/** A client that comes and goes, between two processes, until the last tweet is there. */
async function comeAndGo(pauses: number[], last: Promise<number>) {
  const seen: number[] = []
  let lastId: number | undefined
  let over = false
  last.finally(() => {
    over = true
  })
  for (let n = 0; !over; n++) {
    const stream = await Listener.open(n % 2 ? other : app, reader, { lastId })
    if (lastId === undefined) await stream.untilHello()
    await sleep(pauses[n % pauses.length])
    stream.close()
    lastId = stream.lastId ?? lastId
    seen.push(...stream.tweets)
  }
  if (seen.includes(await last)) return seen
  const stream = await listen(app, reader, { lastId })
  await stream.untilTweet(await last)
  stream.close()
  return [...seen, ...stream.tweets]
}

t.test('a client that reconnects during many writes misses nothing', async (t) => {
  let total = 0
  const script = fc.array(fc.nat(120), { minLength: 2, maxLength: 6 })
  const scripts = fc.array(script, { minLength: 3, maxLength: 3 })
  const property = fc.asyncProperty(scripts, fc.integer({ min: 1, max: 8 }), async (all, each) => {
    const before = new Set(await timeline())
    const { promise: last, resolve } = Promise.withResolvers<number>()
    const clients = all.map((pauses) => comeAndGo(pauses, last))
    await sleep(100)
    const write = async (on: App, as: User) => {
      for (let n = 0; n < each; n++) await tweet(on, as, `${n}`)
    }
    await Promise.all([app, other].flatMap((on) => [write(on, bo), write(on, cy), write(on, cy)]))
    await drained(app)
    resolve((await tweet(app, bo, 'last')).id)
    const expected = (await timeline()).filter((id) => !before.has(id)).toSorted(rising)
    total += expected.length
    for (const seen of await Promise.all(clients)) {
      if (seen.toSorted(rising).join() !== expected.join()) {
        throw new Error(`${seen} instead of ${expected}`)
      }
    }
  })
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.comment(`SEED=${seed}`)
  await fc.assert(property, { seed, numRuns: 5, endOnFailure: true })
  t.ok(total > 20, `${total} tweets`)
})
