import {
  call,
  drained,
  like,
  read,
  readAll,
  relate,
  removeTweet,
  retweet,
  runJob,
  setUp,
  tweet,
  type User,
  undoRetweet,
  unlike,
  unrelate,
} from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { createReaders } from './readers.ts'

const app = await setUp(t)
const { notificationGroups, notificationItems } = app.tables
const { people, listOf, brief, unreadOf } = createReaders(app)

t.test("each kind is notified, grouped or not, except for the user's own acts", async (t) => {
  const [me, ada, bo, cy, di] = await people('나', 'Ada', 'Bo', 'Cy', 'Di')
  const names = new Map([ada, bo, cy, di].map((user) => [user.id, user.handle]))
  const shown = brief(me, names)
  const mine = await tweet(app, me, '내 트윗 🪺')
  await like(app, me, mine.id)
  await tweet(app, me, 'own reply', { replyToId: mine.id })
  t.strictSame(await shown(), [])

  for (const user of [ada, bo, cy, di]) {
    await like(app, user, mine.id)
    await drained(app)
  }
  t.strictSame(await shown(), [`like ${mine.id} ${[di, cy, bo].map((u) => u.handle)} 4`])
  const [first] = await listOf(me)
  const everyone = await readAll(app, `/v1/notifications/${first?.id}/people`, me, 3)
  t.strictSame(
    everyone.map(({ id }) => id),
    [di, cy, bo, ada].map(({ id }) => id),
  )

  await relate(app, ada, 'follow', me)
  await drained(app)
  await retweet(app, bo, mine.id)
  await drained(app)
  const replies = []
  for (const text of ['one', 'two']) {
    replies.push(await tweet(app, cy, text, { replyToId: mine.id }))
    await drained(app)
  }
  const mention = await tweet(app, di, `hello @${me.handle}`)
  t.strictSame(await shown(), [
    `mention ${mention.id} ${di.handle} 1`,
    `reply ${replies[1]?.id} ${cy.handle} 1`,
    `reply ${replies[0]?.id} ${cy.handle} 1`,
    `retweet ${mine.id} ${bo.handle} 1`,
    `follow - ${ada.handle} 1`,
    `like ${mine.id} ${[di, cy, bo].map((u) => u.handle)} 4`,
  ])
  t.equal(await unreadOf(me), 6)
})

t.test(
  'a reply that mentions the author gives one notification in any order of jobs',
  async (t) => {
    const [me, ada] = await people('Me', 'Ada')
    const mine = await tweet(app, me)
    const { id } = await tweet(app, ada, `@${me.handle} yes`, { replyToId: mine.id })
    await drained(app)
    const mention = { tweetId: id, authorId: ada.id, mentionedIds: [me.id] }
    await runJob(app, 'notifications.mentioned', mention)
    t.strictSame(await brief(me)(), [`reply ${id} ${ada.id} 1`])
  },
)

t.test('each cause gives one notification, for any number and order of its jobs', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  const mine = await tweet(app, me)
  await like(app, ada, mine.id)
  await drained(app)
  const names = ['notifications.liked', 'notifications.unliked'] as const
  const payload = { tweetId: mine.id, userId: ada.id }
  await app.transaction(async (tx) => {
    for (const name of [...names, ...names]) await app.jobs.add(tx, [name], payload)
  })
  t.strictSame(await brief(me)(), [`like ${mine.id} ${ada.id} 1`])
  for (let i = 0; i < 5; i++) {
    await Promise.all([unlike(app, ada, mine.id), like(app, ada, mine.id)])
    await like(app, ada, mine.id)
  }
  t.strictSame(await brief(me)(), [`like ${mine.id} ${ada.id} 1`])
  await unlike(app, ada, mine.id)
  t.strictSame(await brief(me)(), [], 'taken back')
  t.strictSame(
    await app.db.select().from(notificationItems).where(eq(notificationItems.userId, me.id)),
    [],
  )
})

t.test('undone or deleted causes are removed from notifications', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  const mine = await tweet(app, me)
  await relate(app, ada, 'follow', me)
  await retweet(app, ada, mine.id)
  await undoRetweet(app, ada, mine.id)
  await retweet(app, ada, mine.id)
  const reply = await tweet(app, ada, 'reply', { replyToId: mine.id })
  t.equal((await listOf(me)).length, 3)
  await unrelate(app, ada, 'follow', me)
  await undoRetweet(app, ada, mine.id)
  await removeTweet(app, ada, reply.id)
  t.strictSame(await listOf(me), [])
  await like(app, ada, mine.id)
  await retweet(app, ada, mine.id)
  t.equal((await listOf(me)).length, 2)
  await removeTweet(app, me, mine.id)
  t.strictSame(await listOf(me), [])
  t.strictSame(
    await app.db.select().from(notificationGroups).where(eq(notificationGroups.userId, me.id)),
    [],
    'no notification is left',
  )
})

t.test('blocked and muted users cause no notifications, before and after', async (t) => {
  const [me, ada, bo] = await people('Me', 'Ada', 'Bo')
  const mine = await tweet(app, me)
  await like(app, ada, mine.id)
  await like(app, bo, mine.id)
  t.equal((await listOf(me))[0]?.peopleCount, 2)
  await relate(app, me, 'mute', ada)
  t.strictSame(await brief(me)(), [`like ${mine.id} ${bo.id} 1`])
  await relate(app, bo, 'block', me)
  t.strictSame(await brief(me)(), [])
  t.equal(await unreadOf(me), 0)
  await tweet(app, ada, `@${me.handle}`)
  await tweet(app, ada, 'reply', { replyToId: mine.id })
  await unrelate(app, bo, 'block', me)
  t.strictSame(await brief(me)(), [`like ${mine.id} ${bo.id} 1`])
})

t.test(
  'deleting an account deletes its notifications and its part in those of others',
  async (t) => {
    const [me, ada, bo] = await people('Me', 'Ada', 'Bo')
    const mine = await tweet(app, me)
    for (const user of [ada, bo]) await like(app, user, mine.id)
    await relate(app, me, 'follow', ada)
    await drained(app)
    await app.jobs.stop()
    const leave = (as: User) =>
      call(app, 'DELETE /v1/users/me', { as, body: { password: as.password } })
    await leave(ada)
    const page = await read(app, '/v1/notifications', me)
    t.match(page.items, [{ peopleCount: 1, people: [{ id: bo.id }] }], 'at once')
    await app.jobs.start()
    await drained(app)
    const left = await app.db.select().from(notificationItems)
    t.notOk(left.some(({ userId, actorId }) => [userId, actorId].includes(ada.id)))
  },
)
