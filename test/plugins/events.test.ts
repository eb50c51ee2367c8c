import { setTimeout as sleep } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import t from 'tap'
import type { Tx } from '../../plugins/db/client.ts'
import { drained, like, relate, removeTweet, setUp, signUp, tweet, unlike } from '../helper.ts'

declare module 'fastify' {
  interface EventPayloads {
    'test.happened': { n: number }
    'test.durable': { n: number }
  }
}

const app = await setUp(t)
const { jobs } = app.tables
let last = 0
const happen = (tx: Tx, n = ++last) => app.events.emit(tx, 'test.happened', { n })

t.test('a listener is called after the commit', async (t) => {
  const heard: number[] = []
  const stop = app.events.afterCommit('test.happened', ({ n }) => heard.push(n))
  await app.transaction(async (tx) => {
    await happen(tx, 1)
    await happen(tx, 2)
    await sleep(50)
    t.strictSame(heard, [], 'not before')
  })
  t.strictSame(heard, [1, 2], 'in order, as soon as it has committed')
  stop()
  await app.transaction((tx) => happen(tx, 3))
  t.strictSame(heard, [1, 2], 'a removed listener is not called')
})

t.test('without a commit there is no event', async (t) => {
  const heard: number[] = []
  const handled: number[] = []
  app.events.afterCommit('test.durable', ({ n }) => heard.push(n))
  app.events.subscribe('test.durable', 'test.rolledBack', async ({ n }) => void handled.push(n))
  const broken = app.transaction(async (tx) => {
    await app.events.emit(tx, 'test.durable', { n: 1 })
    throw new Error('changed my mind')
  })
  await t.rejects(broken, { message: 'changed my mind' })
  await sleep(700)
  t.strictSame([heard, handled], [[], []])
  t.strictSame(await app.db.select().from(jobs).where(eq(jobs.name, 'test.rolledBack')), [])
})

t.test('each subscriber gets the event, even if others fail', async (t) => {
  const seen: string[] = []
  const subscribe = (name: `test.${string}`, handler: () => Promise<void>) =>
    app.events.subscribe('test.durable', name, handler, { maxAttempts: 1 })
  subscribe('test.first', async () => void seen.push('first'))
  subscribe('test.broken', async () => {
    throw new Error('this subscriber is broken')
  })
  subscribe('test.last', async () => void seen.push('last'))
  await app.transaction((tx) => app.events.emit(tx, 'test.durable', { n: 2 }))
  await drained(app)
  t.strictSame(seen.sort(), ['first', 'last'])
  const [dead] = await app.db.select().from(jobs).where(eq(jobs.name, 'test.broken'))
  t.match(dead, { error: 'Error: this subscriber is broken', payload: { n: 2 } })
})

t.test('a failing listener affects neither other listeners nor the emitter', async (t) => {
  const heard: number[] = []
  const stops = [
    app.events.afterCommit('test.happened', () => {
      throw new Error('this listener is broken')
    }),
    app.events.afterCommit('test.happened', async () => {
      throw new Error('and this one is broken later')
    }),
    app.events.afterCommit('test.happened', () => Promise.reject(undefined)),
    app.events.afterCommit('test.happened', ({ n }) => heard.push(n)),
  ]
  const answer = await app.transaction(async (tx) => {
    await happen(tx, 7)
    return 'committed'
  })
  t.equal(answer, 'committed')
  await sleep(20)
  t.strictSame(heard, [7])
  for (const stop of stops) stop()
})

t.test('a retried transaction emits once', async (t) => {
  const heard: number[] = []
  const stop = app.events.afterCommit('test.happened', ({ n }) => heard.push(n))
  let runs = 0
  await app.transaction(async (tx) => {
    await happen(tx, 8)
    runs++
    if (runs < 3) throw Object.assign(new Error('deadlock'), { errno: 1213, code: 'X' })
  })
  t.equal(runs, 3)
  t.strictSame(heard, [8])
  stop()
})

t.test('each event is emitted once with its payload', async (t) => {
  const heard: [string, object][] = []
  const names = [
    ...(['tweet.created', 'tweet.deleted', 'tweet.liked', 'tweet.unliked'] as const),
    ...(['user.signedUp', 'user.followed', 'user.unfollowed', 'user.blocked'] as const),
    ...(['user.muted', 'user.unmuted', 'user.unblocked', 'user.deleted'] as const),
  ]
  for (const name of names) app.events.afterCommit(name, (payload) => heard.push([name, payload]))
  const ann = await signUp(app, 'Ann')
  const ben = await signUp(app, 'Ben')
  const first = await tweet(app, ann, 'first')
  const reply = await tweet(app, ben, 'reply', { replyToId: first.id })
  for (let twice = 0; twice < 2; twice++) await like(app, ben, first.id)
  for (let twice = 0; twice < 2; twice++) await unlike(app, ben, first.id)
  for (let twice = 0; twice < 2; twice++) await relate(app, ann, 'follow', ben)
  await relate(app, ben, 'block', ann)
  for (let twice = 0; twice < 2; twice++) await relate(app, ben, 'mute', ann)
  await removeTweet(app, ben, reply.id)
  t.strictSame(heard, [
    ['user.signedUp', { userId: ann.id }],
    ['user.signedUp', { userId: ben.id }],
    ['tweet.created', { tweetId: first.id, authorId: ann.id }],
    ['tweet.created', { tweetId: reply.id, authorId: ben.id, replyToId: first.id }],
    ['tweet.liked', { tweetId: first.id, userId: ben.id }],
    ['tweet.unliked', { tweetId: first.id, userId: ben.id }],
    ['user.followed', { followerId: ann.id, followeeId: ben.id }],
    ['user.unfollowed', { followerId: ann.id, followeeId: ben.id }],
    ['user.blocked', { blockerId: ben.id, blockedId: ann.id }],
    ['user.muted', { muterId: ben.id, mutedId: ann.id }],
    ['tweet.deleted', { tweetId: reply.id, authorId: ben.id }],
  ])
})
