import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { DELIVERY } from '../../routes/timeline/delivery.ts'
import { createCachedTimeline } from '../../routes/timeline/read/cached-timeline.ts'
import { SIZES } from '../../routes/timeline/sizes.ts'
import { type App, drained, runJob, settings } from '../helper.ts'
import { createOracle, expectedPage } from '../timeline-oracle.ts'

// Two processes' worth of app on one database, whose workers fan out, cross the limit, trim, retire
// and rebuild at the same time as people write, while a reader who follows the same authors
// throughout must never miss a tweet that was committed before the read began.

const AUTHORS = 6
const FANS = 5
const SECONDS = Number(process.env.SECONDS ?? 20)

const env = { ...(await settings(t)), FANOUT_LIMIT: '3', TIMELINE_KEEP: '12' }
const apps: App[] = [await build(env), await build(env)]
for (const app of apps) t.teardown(() => app.close())
const [one, two] = apps as [App, App]
const { timelineStates: states, timelineEntries, tweets } = one.tables

let people = 0
const signUp = (app: App) =>
  app.users.create({ name: 'Crowd', email: `${++people}@example.com`, passwordHash: '' })
const signUpAll = (count: number) => Promise.all(Array.from({ length: count }, () => signUp(one)))
const any = <T>(items: T[]) => items[Math.floor(Math.random() * items.length)] as T

t.test('nothing committed is ever missing from a page', { timeout: 200_000 }, async (t) => {
  const reader = await signUp(one)
  const authors = await signUpAll(AUTHORS)
  const fans = await signUpAll(FANS)
  for (const author of authors) await one.graph.follow(reader, author)
  const committed: number[] = []
  const done = { reads: 0, tweets: 0, crossings: 0, rebuilds: 0, retired: 0 }
  let over = false
  const loop = async (work: (app: App) => Promise<unknown>) => {
    while (!over) await work(any(apps))
  }

  async function write(app: App) {
    const { id } = await app.tweets.create({ authorId: any([...authors, reader]), text: 'tweet' })
    committed.push(id)
    done.tweets++
  }

  /** Everyone comes and everyone goes: the reader makes one, so the limit is crossed twice. */
  async function cross(app: App) {
    const author = any(authors.slice(0, 3))
    for (const fan of fans) await app.graph.follow(fan, author)
    for (const fan of fans) await app.graph.unfollow(fan, author)
    done.crossings++
  }

  async function rebuild(app: App) {
    const { signal } = new AbortController()
    const task = app.tasks.get('timelines:rebuild')
    await task?.run({ argument: any([String(reader), undefined]), progress: () => {}, signal })
    done.rebuilds++
  }

  async function retire(app: App) {
    const away = { seenAt: sql`NOW(3) - INTERVAL 31 DAY` }
    const own = eq(states.readerId, reader)
    await app.transaction((tx) => tx.update(states).set(away).where(own))
    await runJob(app, 'timeline.retire', {})
    done.retired++
  }

  async function read(app: App) {
    const known = committed.slice()
    const limit = any([3, 10, 30])
    let cursor: string | undefined
    for (let pages = 0; pages < 4; pages++) {
      const page = await app.timeline.page(reader, { cursor, limit })
      const ids = new Set(page.items.map(({ id }) => id))
      const top = cursor ? Number(Buffer.from(cursor, 'base64url').toString().split(':')[1]) : 1e15
      const bottom = page.nextCursor ? Math.min(...ids) : 0
      const missing = known.filter((id) => id < top && id >= bottom && !ids.has(id))
      if (missing.length > 0) t.fail(`${missing} missing between ${bottom} and ${top}`)
      done.reads++
      cursor = page.nextCursor ?? undefined
      if (!cursor) return
    }
  }

  setTimeout(() => {
    over = true
  }, SECONDS * 1_000)
  await Promise.all([write, write, cross, rebuild, retire, read, read, read].map(loop))
  t.comment(JSON.stringify(done))
  for (const [what, count] of Object.entries(done)) t.ok(count >= SECONDS / 4, `${count} ${what}`)

  await drained(one)
  const { rowsFor } = await createOracle(one).look([reader, ...authors, ...fans])
  const page = await two.timeline.page(reader, { limit: 100 })
  t.strictSame(
    page.items.map(({ id }) => id),
    expectedPage(rowsFor(reader), 100).ids,
  )
  const [late] = await one.db.select().from(tweets).where(eq(tweets.undelivered, 1)).limit(1)
  t.notOk(late, 'everything is delivered')
})

t.test('timelines:rebuild restores deleted timelines', async (t) => {
  const reader = await signUp(one)
  const authors = await signUpAll(3)
  for (const author of authors) await one.graph.follow(reader, author)
  for (let n = 0; n < 30; n++) await one.tweets.create({ authorId: any(authors), text: `${n}` })
  const read = () => one.timeline.page(reader, { limit: 50 })
  const before = await read()
  await drained(one)
  const entriesOf = () =>
    one.db.select().from(timelineEntries).where(eq(timelineEntries.readerId, reader))
  t.ok((await entriesOf()).length >= 12)
  t.strictSame(await read(), before)

  await one.db.delete(timelineEntries)
  // Past the service, so that it takes a minute to be seen.
  await one.transaction(async (tx) => one.cache.invalidate(tx, 'relations', [reader]))
  t.not((await read()).items.length, before.items.length, 'the timeline is read from entries')
  const task = one.tasks.get('timelines:rebuild')
  const { signal } = new AbortController()
  const steps: number[][] = []
  const progress = (...step: number[]) => void steps.push(step)
  const sentence = await task?.run({ progress, signal })
  t.match(sentence, /timelines are rebuilt/)
  t.ok(steps.length >= 2 && steps.every(([done = 0, total = 0]) => done <= total))
  t.strictSame(await read(), before)
  t.ok((await entriesOf()).length >= 12)

  const aborted = AbortSignal.abort(new Error('Interrupted'))
  await t.rejects(async () => task?.run({ progress, signal: aborted }), /Interrupted/)
  t.strictSame(await read(), before, 'exact in between')
  t.match(await task?.run({ progress, signal }), /timelines are rebuilt/, 'the rebuild continues')

  await one.db.delete(timelineEntries)
  t.match(await task?.run({ progress, signal, argument: String(reader) }), `user ${reader}`)
  t.strictSame(await read(), before)
  for (const argument of ['0', 'ann', '999999', ' ', '1e3'])
    await t.rejects(async () => task?.run({ progress, signal, argument }), /There is no user/)
})

t.test('an author who becomes merged during paging loses no tweet', async (t) => {
  for (const app of apps) await app.jobs.stop()
  const reader = await signUp(one)
  const [turning, steady] = (await signUpAll(2)) as [number, number]
  for (const author of [turning, steady]) await one.graph.follow(reader, author)
  const { follows } = one.tables
  const deliver = (author: number, delivery: number) =>
    two.transaction(async (tx) => {
      await tx.update(follows).set({ delivery }).where(eq(follows.followeeId, author))
      two.cache.invalidate(tx, 'relations', [reader])
    })
  for (const author of [turning, steady]) await deliver(author, DELIVERY.materialised)
  const state = { readerId: reader, delivery: DELIVERY.materialised, seenAt: new Date() }
  await one.db.insert(states).values(state)
  const late = await one.tweets.create({ authorId: turning, text: 'not delivered yet' })
  const ids: number[] = []
  for (let n = 0; n < 3; n++) {
    const { id: tweetId } = await one.tweets.create({ authorId: steady, text: `${n}` })
    await one.db.insert(timelineEntries).values({ readerId: reader, tweetId })
    ids.unshift(tweetId)
  }
  const delivered = { undelivered: null }
  await one.db.update(tweets).set(delivered).where(eq(tweets.authorId, steady))

  const sizes = { ...SIZES, cachedRows: 2, rowsPerExtension: 4 }
  const { current, readBelow } = createCachedTimeline(one, sizes)
  const idsOf = ({ rows }: { rows: { id: number }[] }) => rows.map(({ id }) => id)
  const timeline = await current(reader)
  t.strictSame(idsOf(timeline), ids.slice(0, 2))
  // The fan-out passes the reader by, because the author is merged from now on.
  await deliver(turning, DELIVERY.merged)
  await two.db.update(tweets).set(delivered).where(eq(tweets.id, late.id))
  t.strictSame(idsOf(await readBelow(timeline, reader, ids[1] ?? 0, 4)), [ids[2], late.id])
})
