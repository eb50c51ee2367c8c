import {
  build,
  call,
  drained,
  read,
  relate,
  removeTweet,
  settings,
  tweet,
  type User,
} from 'birdhouse/testing'
import t from 'tap'
import { createReaders } from './readers.ts'

// Kinds that another extension adds: `test/fixtures/waves`.

const env = await settings(t)
const app = await build({ ...env, EXTENSIONS: 'test/fixtures/waves' })
t.teardown(() => app.close())
const { people, listOf, brief, unreadOf } = createReaders(app)
const { notifications, waves } = app

const wave = (to: User, from: User, subjectId: number) =>
  app.transaction((tx) => waves.wave(tx, { userId: to.id, actorId: from.id }, subjectId))
const cheer = (to: User, from: User, tweetId: number) =>
  app.transaction((tx) =>
    notifications.emit(tx, 'cheer', { userId: to.id, actorId: from.id, tweetId }),
  )

t.test('a notification is written with the transaction, once for each subject', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  await wave(me, ada, 7)
  await wave(me, ada, 7)
  await wave(me, ada, 8)
  await wave(me, me, 9)
  const rollback = app.transaction(async (tx) => {
    await waves.wave(tx, { userId: me.id, actorId: ada.id }, 10)
    throw new Error('changed my mind')
  })
  await t.rejects(rollback, /changed my mind/)
  const list = await listOf(me)
  t.match(list, [
    { kind: 'wave', tweet: null, subjectId: 8, waveNote: 'wave 8', people: [{ id: ada.id }] },
    { kind: 'wave', tweet: null, subjectId: 7, waveNote: 'wave 7', people: [{ id: ada.id }] },
  ])
  t.equal(list.length, 2)
  t.equal(await unreadOf(me), 2)
  const cause = { userId: me.id, actorId: ada.id, subjectId: 8 }
  await app.transaction((tx) => notifications.withdraw(tx, 'wave', cause))
  t.match(await listOf(me), [{ subjectId: 7 }])
})

t.test('people in a notification have the fields of extensions', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  await wave(me, ada, 7)
  t.match(await listOf(me), [{ people: [{ id: ada.id, waves: true }] }])
})

t.test('blocked and muted users cause no notifications of other kinds either', async (t) => {
  const [me, ada, bo, cy] = await people('Me', 'Ada', 'Bo', 'Cy')
  await relate(app, me, 'mute', ada)
  await relate(app, bo, 'block', me)
  for (const one of [ada, bo, cy]) await wave(me, one, 7)
  t.match(await listOf(me), [{ people: [{ id: cy.id }] }])
  await relate(app, me, 'mute', cy)
  t.strictSame(await listOf(me), [], 'a later mute hides the notification')
})

t.test(
  'a grouped kind is one notification for each tweet, until the tweet is deleted',
  async (t) => {
    const [me, ada, bo] = await people('Me', 'Ada', 'Bo')
    const mine = await tweet(app, me)
    const other = await tweet(app, me)
    for (const one of [ada, bo]) await cheer(me, one, mine.id)
    await cheer(me, ada, other.id)
    t.strictSame(await brief(me)(), [
      `cheer ${other.id} ${ada.id} 1`,
      `cheer ${mine.id} ${bo.id},${ada.id} 2`,
    ])
    await removeTweet(app, me, mine.id)
    await drained(app)
    t.strictSame(await brief(me)(), [`cheer ${other.id} ${ada.id} 1`])
    const { notificationGroups } = app.tables
    const tweets = (await app.db.select().from(notificationGroups)).map(({ tweetId }) => tweetId)
    t.notOk(tweets.includes(mine.id), 'no row is left')
    for (const tweetId of [mine.id, 999_999]) await cheer(me, bo, tweetId)
    t.equal((await listOf(me)).length, 1, 'no notification shows a deleted tweet')
  },
)

t.test('an erased account leaves no notifications of other kinds', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  await wave(me, ada, 7)
  await wave(ada, me, 7)
  await call(app, 'DELETE /v1/users/me', { as: ada, body: { password: ada.password } })
  await drained(app)
  const items = await app.db.select().from(app.tables.notificationItems)
  t.notOk(items.some(({ userId, actorId }) => [userId, actorId].includes(ada.id)))
})

t.test('the document describes each kind', async (t) => {
  const { components } = (await call(app, 'GET /openapi.json')).body
  const { kind, waveNote } = components.schemas.Notification.properties
  t.match(waveNote, { type: 'string' })
  const described = Object.fromEntries(
    kind.anyOf.map(({ enum: [name], description }: any) => [name, description]),
  )
  t.equal(described.wave, 'Somebody waves at you; `subjectId` is the wave.')
  t.equal(described.like, 'Somebody likes your tweet.')
})

t.test('notifications of an extension that has been removed are left out', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  await relate(app, ada, 'follow', me)
  await wave(me, ada, 7)
  t.equal((await listOf(me)).length, 2)
  const without = await build(env)
  t.teardown(() => without.close())
  t.match((await read(without, '/v1/notifications', me)).items, [{ kind: 'follow' }])
  t.equal((await read(without, '/v1/users/me', me)).unreadNotificationCount, 1)
})
