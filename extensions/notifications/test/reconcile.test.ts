import { setTimeout as sleep } from 'node:timers/promises'
import {
  call,
  drained,
  like,
  read,
  relate,
  removeTweet,
  retweet,
  runJob,
  setUp,
  signUp,
  tweet,
  type User,
  undoRetweet,
  unlike,
} from 'birdhouse/testing'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'

// Acts at the same moment, and the notifications that are left afterwards.

const app = await setUp(t)
const { notificationGroups, notificationItems } = app.tables
const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, '지우')]

const listOf = async (user: User) => (await read(app, '/v1/notifications?limit=100', user)).items

/** Rows of a recipient: items, groups. */
async function rowsOf({ id }: User) {
  const items = app.db.select().from(notificationItems).where(eq(notificationItems.userId, id))
  const groups = app.db.select().from(notificationGroups).where(eq(notificationGroups.userId, id))
  return [(await items).length, (await groups).length]
}

/** Waits until a statement of this database that has this text waits for a lock. */
async function waiting(text: string) {
  const found = sql`SELECT 1 FROM information_schema.processlist
    WHERE db = DATABASE() AND info LIKE ${`%${text}%`} AND info NOT LIKE '%processlist%'`
  while ((await app.db.execute(found))[0].toString() === '') await sleep(5)
}

/**
 * Holds the job of `begin`, an act of Ada, after it has read that its cause is true, does `end`, and lets
 * the job go on: it waits for Ada's row, to which its new row refers.
 */
async function interrupt(begin: () => Promise<unknown>, end: () => Promise<unknown>) {
  const { users } = app.tables
  await drained(app)
  await app.jobs.stop()
  await begin()
  await app.transaction(async (tx) => {
    await tx.select({ id: users.id }).from(users).where(eq(users.id, ada.id)).for('update')
    await app.jobs.start()
    await waiting('insert ignore into `notifications_items`')
    await end()
  })
  await drained(app)
}

t.test('a cause that is undone while its job runs gives no notification', async (t) => {
  const me = await signUp(app, 'Me')
  const mine = await tweet(app, me)
  const undone = [
    ['like', () => like(app, ada, mine.id), () => unlike(app, ada, mine.id)],
    ['retweet', () => retweet(app, ada, mine.id), () => undoRetweet(app, ada, mine.id)],
  ] as const
  for (const [kind, begin, end] of undone) {
    await interrupt(begin, async () => {
      await end()
      await waiting('insert into `notifications_states`')
    })
    t.strictSame(await rowsOf(me), [0, 0], kind)
  }
  let replyId = 0
  const reply = async () => {
    replyId = (await tweet(app, ada, 'soon gone', { replyToId: mine.id })).id
  }
  await interrupt(reply, () => removeTweet(app, ada, replyId))
  t.strictSame(await rowsOf(me), [0, 0], 'reply')
})

t.test('concurrent reconciliations wait for each other instead of retrying', async (t) => {
  const me = await signUp(app, 'Me')
  const mine = await tweet(app, me)
  const fans = await Promise.all(Array.from({ length: 12 }, () => signUp(app, 'Fan')))
  for (const fan of fans) await like(app, fan, mine.id)
  await drained(app)
  await app.db.delete(notificationGroups).where(eq(notificationGroups.userId, me.id))

  app.log.level = 'debug'
  const logged = t.capture(app.log, 'debug')
  await Promise.all(
    [...fans, ...fans].map(({ id: userId }) =>
      runJob(app, 'notifications.liked', { tweetId: mine.id, userId }),
    ),
  )
  const repeats = logged().filter(({ args }) => /transaction again/.test(String(args[1])))
  app.log.level = 'silent'
  t.strictSame(repeats, [])
  t.strictSame(await rowsOf(me), [12, 1])
  t.match(await listOf(me), [{ peopleCount: 12, people: { length: 3 } }])
})

t.test('each cause is announced once', async (t) => {
  const me = await signUp(app, 'Me')
  const told: number[] = []
  const stop = app.events.afterCommit('notification.created', ({ notificationId, userId }) => {
    if (userId === me.id) told.push(notificationId)
  })
  await relate(app, ada, 'follow', me)
  const again = { followerId: ada.id, followeeId: me.id }
  await app.transaction((tx) => app.events.emit(tx, 'user.followed', again))
  await drained(app)
  stop()
  t.strictSame(
    told,
    (await listOf(me)).map(({ id }: { id: number }) => id),
  )
})

t.test('a read mark is kept when the latest cause is undone', async (t) => {
  const me = await signUp(app, 'Me')
  const mine = await tweet(app, me)
  await like(app, ada, mine.id)
  await drained(app)
  const [shown] = await listOf(me)
  await like(app, bo, mine.id)
  await drained(app)
  await unlike(app, bo, mine.id)
  await drained(app)
  t.match(await listOf(me), [{ latestId: shown.latestId, read: false }])
  await call(app, 'PUT /v1/notifications/read', { as: me, body: { upTo: shown.latestId } })
  t.match(await listOf(me), [{ read: true }])
})

t.test('an erased account leaves neither people nor empty groups behind', async (t) => {
  const [me, cy] = [await signUp(app, 'Me'), await signUp(app, 'Cy')]
  const mine = await tweet(app, me)
  const theirs = await tweet(app, cy)
  for (const user of [cy, ada]) await like(app, user, mine.id)
  await relate(app, cy, 'follow', me)
  await tweet(app, cy, 'reply', { replyToId: mine.id })
  await like(app, ada, theirs.id)
  await drained(app)
  t.strictSame([await rowsOf(me), await rowsOf(cy)].flat(), [4, 3, 1, 1])
  await call(app, 'DELETE /v1/users/me', { as: cy, body: { password: cy.password } })
  await drained(app)
  t.strictSame([await rowsOf(me), await rowsOf(cy)].flat(), [1, 1, 0, 0])
})

t.test('old notifications are purged, and at most 1,000 unread are counted', async (t) => {
  const me = await signUp(app, 'Me')
  const many = Array.from({ length: 1_001 }, (_, n) => n + 1)
  const kind = 'follow' as const
  const first = 10_000_000
  await app.db
    .insert(notificationGroups)
    .values(many.map((n) => ({ id: first + n, userId: me.id, kind, latestId: first + n })))
  await app.db.insert(notificationItems).values(
    many.map((n) => ({
      userId: me.id,
      kind,
      actorId: ada.id,
      subjectId: n,
      groupId: first + n,
    })),
  )
  t.equal((await read(app, '/v1/users/me', me)).unreadNotificationCount, 1_000)
  const daysAgo = (days: number) => sql`NOW(3) - INTERVAL ${days} DAY`
  const ofMe = eq(notificationGroups.userId, me.id)
  await app.db
    .update(notificationGroups)
    .set({ latestAt: daysAgo(91) })
    .where(ofMe)
  const young = eq(notificationGroups.id, first + 1)
  await app.db
    .update(notificationGroups)
    .set({ latestAt: daysAgo(89) })
    .where(young)
  await app.notifications.purge()
  t.strictSame(await rowsOf(me), [1, 1])
})
