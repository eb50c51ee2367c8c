import { asc, eq, isNull, like, sql } from 'drizzle-orm'
import fc from 'fast-check'
import t from 'tap'
import { build } from '../app.ts'
import type { JobName } from '../plugins/jobs/types.ts'
import { decodeCursor } from '../plugins/pagination.ts'
import { createTimelineJobs } from '../routes/timeline/jobs.ts'
import { createSkeleton } from '../routes/timeline/read/skeleton.ts'
import { SIZES } from '../routes/timeline/sizes.ts'
import { type App, runJob, settings } from './helper.ts'
import { createOracle, expectedPage, relationsOf } from './timeline-oracle.ts'

// The timeline against its definition, at every step of random histories in which the jobs run
// late, twice, in any order, are killed half-way or lost. Limits are so small that every path is taken.
// Two processes' worth of app take turns in writing and reading, and remember what they have read.

/** Two files run as many each, beside each other. */
const RUNS = Number(process.env.RUNS ?? 150)
const COMMANDS = 60
/** With SHRINK=1 a failure is made as small as can be, which takes minutes. */
const SHRINK = process.env.SHRINK === '1'
const SMALL = {
  ...SIZES,
  maxFollowees: 2,
  cachedRows: 3,
  rowsPerExtension: 4,
  maxCachedRows: 6,
  maxRecentTweets: 2,
  maxUnreadTweets: 3,
  maxMergedAuthors: 2,
  maxMergedIdRange: 4,
  rowsPerRetry: 12,
  followersPerStatement: 2,
  idWindows: [2, 8],
  authorsPerInList: 4,
  authorsPerUnion: 4,
  idsPerRebuildStep: 3,
  rowsPerBatch: 2,
}

// Without workers: jobs run when a command says so.
const env = { ...(await settings(t)), FANOUT_LIMIT: '2', TIMELINE_KEEP: '4' }
const apps: App[] = [await build(env), await build(env)]
for (const app of apps) {
  await app.jobs.stop()
  t.teardown(() => app.close())
}
const [app] = apps as [App]
const { jobs, popularAuthors, timelineEntries, timelineStates, tweets } = app.tables
const own = createTimelineJobs(app, SMALL)
const skeletons = apps.map((app) => createSkeleton(app, own.recordVisit, SMALL))
const skeletonOf = (n: number) => skeletons[n % skeletons.length] as (typeof skeletons)[0]
const oracle = createOracle(app)

type Handler = (payload: any, context: any) => Promise<unknown>
const handlers: Record<string, Handler> = {
  'timeline.fanOut': own.fanOut,
  'timeline.follow': own.onFollow,
  'timeline.unfollow': own.onUnfollow,
  'timeline.fill': own.fill,
  'timeline.mergeAuthor': own.mergeAuthor,
  'timeline.fillAuthor': own.fillAuthor,
}

class Killed extends Error {}

/** Dies at the so many-th look at its signal, or note of its progress. */
function contextOf(id: number, progress: unknown, patience: number) {
  let left = patience
  const throwIfAborted = () => {
    if (left-- <= 0) throw new Killed()
  }
  const save = async (value: unknown) => {
    await app.db.update(jobs).set({ progress: value }).where(eq(jobs.id, id))
    throwIfAborted()
  }
  return { attempt: 1, progress, save, signal: { throwIfAborted, aborted: false } }
}

const waiting = () => app.db.select().from(jobs).where(isNull(jobs.uniqueKey)).orderBy(asc(jobs.id))

type Job = Awaited<ReturnType<typeof waiting>>[number]

async function work(
  job: Job | undefined,
  { patience = Number.POSITIVE_INFINITY, again = false } = {},
) {
  if (!job) return
  const name = job.name as JobName
  const handler: Handler =
    handlers[name] ?? ((payload, context) => runJob(app, name, payload as never, context))
  try {
    await handler(job.payload, contextOf(job.id, job.progress, patience))
    if (!again) await app.db.delete(jobs).where(eq(jobs.id, job.id))
  } catch (error) {
    if (!(error instanceof Killed)) throw error
  }
}

async function drain() {
  for (let rows = await waiting(); rows.length > 0; rows = await waiting())
    for (const job of rows) await work(job)
}

type World = { people: number[]; present: number[]; cursors: Map<number, string[]> }
type Command = { kind: string; actor: number; other: number; target: number; limit: number }

let born = 0
async function signUp({ people, present }: World) {
  const email = `crowd-${++born}@example.com`
  const id = await app.users.create({ name: 'Crowd', email, passwordHash: '' })
  people.push(id)
  present.push(id)
}

const pick = <T>(items: T[], n: number) => items[n % Math.max(items.length, 1)]

async function run(world: World, { kind, actor, other, target }: Command) {
  const me = pick(world.present, actor) ?? 0
  const them = pick(world.present, other) ?? 0
  const tweetId = async () => pick(await oracle.rowsBy(world.people), target)?.id ?? 0
  const { graph, tweets: writing, users } = pick(apps, target) as App
  const commands: Record<string, () => Promise<unknown>> = {
    tweet: () => writing.create({ authorId: me, text: 'tweet' }),
    retweet: async () => writing.retweet(await tweetId(), me),
    undo: async () => writing.undoRetweet(await tweetId(), me),
    delete: async () => {
      const row = pick(await oracle.rowsBy(world.people), target)
      if (row) await writing.remove(row.id, row.authorId)
    },
    ...relationsOf(graph, me, them),
    signUp: () => signUp(world),
    leave: async () => {
      await users.remove(me)
      world.present = world.present.filter((id) => id !== me)
      if (world.present.length === 0) await signUp(world)
    },
    work: async () => work(pick(await waiting(), target)),
    twice: async () => work(pick(await waiting(), target), { again: true }),
    kill: async () => work(pick(await waiting(), target), { patience: other % 4 }),
    drain,
    lose: async () => {
      const [job] = await app.db.select().from(jobs).where(like(jobs.name, 'timeline.%')).limit(1)
      if (job) await app.db.delete(jobs).where(eq(jobs.id, job.id))
    },
    sweep: async () => {
      const old = { createdAt: sql`created_at - INTERVAL 1 HOUR` }
      await app.db.update(tweets).set(old).where(eq(tweets.undelivered, 1))
      await own.deliverOverdue(new AbortController().signal)
    },
    idle: async () => {
      const away = { seenAt: sql`NOW(3) - INTERVAL ${target % 2 ? 31 : 2} DAY` }
      await app.db.update(timelineStates).set(away).where(eq(timelineStates.readerId, me))
      await own.dropIdle(new AbortController().signal)
    },
    rebuild: () => rebuild(target % 3 ? String(me) : undefined, other % 6),
  }
  await commands[kind]?.().catch((error: { statusCode?: number }) => {
    if (!error.statusCode || error.statusCode >= 500) throw error
  })
}

async function rebuild(argument: string | undefined, patience: number) {
  const { signal } = contextOf(0, null, patience < 4 ? patience : Number.POSITIVE_INFINITY)
  const context = { argument, progress: () => {}, signal: signal as unknown as AbortSignal }
  await own.rebuildTask(context).catch((error) => {
    if (!(error instanceof Killed)) throw error
  })
}

const seen = { pages: 0, rows: 0, deep: 0 }

/** A page from a cursor that was handed out before, or from the top, is what it must be. */
async function check(world: World, readerId: number, { target, limit }: Command) {
  const handedOut = world.cursors.get(readerId) ?? []
  const cursor = target % 3 ? pick(handedOut, target) : undefined
  const actual = await skeletonOf(target >> 1)(readerId, { cursor, limit })
  const { rowsFor } = await oracle.look(world.people)
  const expected = expectedPage(rowsFor(readerId), limit, decodeCursor('timeline', cursor))
  const found = { ids: actual.rows.map(({ id }) => id), nextCursor: actual.nextCursor }
  seen.pages++
  seen.rows += found.ids.length
  if (cursor) seen.deep++
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(
      `reader ${readerId}, cursor ${cursor}, limit ${limit}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`,
    )
  }
  if (actual.nextCursor) world.cursors.set(readerId, [...handedOut, actual.nextCursor])
}

/** Or each history would take longer than the one before. */
async function forgetEarlierWorlds() {
  await app.db.delete(jobs).where(isNull(jobs.uniqueKey))
  await app.db.update(tweets).set({ undelivered: null }).where(eq(tweets.undelivered, 1))
  for (const table of [timelineEntries, timelineStates, popularAuthors]) await app.db.delete(table)
}

async function checkAll(world: World, limit: number) {
  const { rowsFor } = await oracle.look(world.people)
  for (const readerId of world.people) {
    let cursor: string | undefined
    do {
      const actual = await skeletonOf(readerId)(readerId, { cursor, limit })
      const expected = expectedPage(rowsFor(readerId), limit, decodeCursor('timeline', cursor))
      const found = { ids: actual.rows.map(({ id }) => id), nextCursor: actual.nextCursor }
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(
          `drained, reader ${readerId}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`,
        )
      cursor = actual.nextCursor ?? undefined
    } while (cursor)
  }
}

const KINDS = [
  ...['tweet', 'tweet', 'tweet', 'tweet', 'tweet', 'retweet', 'retweet', 'undo', 'delete'],
  ...['follow', 'follow', 'follow', 'follow', 'follow', 'unfollow', 'block', 'unblock'],
  ...['mute', 'unmute', 'signUp', 'leave', 'work', 'work', 'work', 'work', 'twice', 'kill', 'kill'],
  ...['drain', 'lose', 'sweep', 'idle', 'idle', 'rebuild'],
]
const command = fc.record({
  kind: fc.constantFrom(...KINDS),
  actor: fc.nat(1000),
  other: fc.nat(1000),
  target: fc.nat(1000),
  limit: fc.integer({ min: 1, max: 6 }),
})
const minLength = SHRINK ? 1 : COMMANDS
const history = fc.array(command, { minLength, maxLength: COMMANDS, size: 'max' })

t.test('every page at every step equals the definition', { timeout: 900_000 }, async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.comment(`SEED=${seed}`)
  const property = fc.asyncProperty(history, async (commands) => {
    await forgetEarlierWorlds()
    const world: World = { people: [], present: [], cursors: new Map() }
    for (let n = 0; n < 5; n++) await signUp(world)
    for (const command of commands) {
      await run(world, command)
      const reader = pick(command.target % 9 ? world.present : world.people, command.other)
      if (reader) await check(world, reader, command)
    }
    await drain()
    await checkAll(world, 3)
  })
  await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: !SHRINK })
  t.comment(JSON.stringify(seen))
  t.ok(seen.rows > RUNS * 30 && seen.deep > RUNS * 5, `${seen.rows} rows on ${seen.pages} pages`)
})
