import { setTimeout as sleep } from 'node:timers/promises'
import {
  call,
  drained,
  like,
  read,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
  undoRetweet,
  unlike,
} from 'birdhouse/testing'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'

// What happens at the same moment, and what is left afterwards.

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

/**
 * Does something when a notification is about to be committed, and gives it and its jobs a moment:
 * it may have to wait for the commit.
 */
function interrupt(act: () => Promise<unknown>) {
  const { emit } = app.events
  return new Promise<void>((resolve, reject) => {
    app.events.emit = async (tx, name, payload) => {
      if (name === 'notification.created') {
        app.events.emit = emit
        const acting = act().then(() => sleep(200))
        acting.then(() => resolve(), reject)
        await Promise.race([acting.catch(() => {}), sleep(500)])
      }
      return emit(tx, name, payload)
    }
  })
}

t.test('a cause that is undone while its job runs gives no notification', async (t) => {
  const me = await signUp(app, 'Me')
  const mine = await tweet(app, me)
  const act = {
    like: [() => like(app, ada, mine.id), () => unlike(app, ada, mine.id)],
    retweet: [() => retweet(app, ada, mine.id), () => undoRetweet(app, ada, mine.id)],
  }
  for (const [kind, [begin, end]] of Object.entries(act)) {
    const interrupted = interrupt(async () => end?.())
    await begin?.()
    await interrupted
    await drained(app)
    t.strictSame(await rowsOf(me), [0, 0], kind)
  }
  let replyId = 0
  const interrupted = interrupt(() => removeTweet(app, ada, replyId))
  replyId = (await tweet(app, ada, 'soon gone', { replyToId: mine.id })).id
  await interrupted
  await drained(app)
  t.strictSame(await rowsOf(me), [0, 0], 'reply')
})

t.test('concurrent reconciliations wait for each other instead of retrying', async (t) => {
  const me = await signUp(app, 'Me')
  const mine = await tweet(app, me)
  const fans = await Promise.all(Array.from({ length: 12 }, () => signUp(app, 'Fan')))
  for (const fan of fans) await like(app, fan, mine.id)
  await drained(app)
  await app.db.delete(notificationGroups).where(eq(notificationGroups.userId, me.id))

  const { transaction } = app
  let repeats = 0
  app.transaction = (work, outer) => {
    let runs = 0
    return transaction((tx) => {
      if (runs++ > 0) repeats++
      return work(tx)
    }, outer)
  }
  const reconcile = ({ id }: User) =>
    app.notifications.reconcile({ userId: me.id, kind: 'like', actorId: id, subjectId: mine.id })
  await Promise.all([...fans, ...fans].map(reconcile))
  app.transaction = transaction
  t.equal(repeats, 0)
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

t.test('users in a list have the fields of extensions', async (t) => {
  const me = await signUp(app, 'Me')
  await relate(app, ada, 'follow', me)
  await drained(app)
  const { fill } = app.resources
  app.resources.fill = (resource, items, context) => {
    for (const item of items) Object.assign(item, { filled: resource })
    return fill(resource, items, context)
  }
  const page = await app.notifications.page(me.id, { limit: 1 })
  app.resources.fill = fill
  t.match(page.items, [{ people: [{ id: ada.id, filled: 'UserSummary' }] }])
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
