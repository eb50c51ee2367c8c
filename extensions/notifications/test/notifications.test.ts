import {
  call,
  drained,
  like,
  read,
  readAll,
  relate,
  removeTweet,
  retweet,
  setUp,
  signUp,
  tweet,
  type User,
  undocumented,
  undoRetweet,
  unlike,
  unrelate,
} from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import t from 'tap'

const app = await setUp(t)
const { notificationGroups, notificationItems } = app.tables

type Shown = {
  id: number
  kind: string
  tweet: { id: number } | null
  people: { id: number }[]
  peopleCount: number
  latestId: number
  read: boolean
}

/** As many users as names. */
async function people<Names extends string[]>(...names: Names) {
  const users = await Promise.all(names.map((name) => signUp(app, name)))
  return users as { [Place in keyof Names]: User }
}

async function listOf(user: User, query = ''): Promise<Shown[]> {
  await drained(app)
  return readAll(app, `/v1/notifications${query}`, user, 2)
}

/** As `kind of tweet by newest, older`. */
const brief =
  (user: User, names: Map<number, string> = new Map()) =>
  async () =>
    (await listOf(user)).map(
      ({ kind, tweet: about, people: by, peopleCount }) =>
        `${kind} ${about?.id ?? '-'} ${by.map(({ id }) => names.get(id) ?? id)} ${peopleCount}`,
    )

const unreadOf = async (user: User) =>
  (await read(app, '/v1/users/me', user)).unreadNotificationCount

const markRead = (user: User, upTo?: number) =>
  call(app, 'PUT /v1/notifications/read', { as: user, body: upTo ? { upTo } : {} })

t.test('each kind, grouped or not, and none of what one does oneself', async (t) => {
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

t.test('a reply that mentions the author is told once, in whatever order', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  const mine = await tweet(app, me)
  const { id } = await tweet(app, ada, `@${me.handle} yes`, { replyToId: mine.id })
  await drained(app)
  const cause = { userId: me.id, actorId: ada.id, subjectId: id }
  await app.notifications.settle({ ...cause, kind: 'mention' })
  t.strictSame(await brief(me)(), [`reply ${id} ${ada.id} 1`])
})

t.test('exactly one for a cause, however often and in whatever order its jobs run', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  const mine = await tweet(app, me)
  await like(app, ada, mine.id)
  await drained(app)
  const names = ['notifications.liked', 'notifications.unliked']
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

t.test('what is taken back or deleted is told no more', async (t) => {
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
    'nothing is left of it',
  )
})

t.test('read: up to a mark, never back, and what comes later begins a new group', async (t) => {
  const [me, ada, bo, cy] = await people('Me', 'Ada', 'Bo', 'Cy')
  const mine = await tweet(app, me)
  await like(app, ada, mine.id)
  await drained(app)
  await relate(app, ada, 'follow', me)
  const [follow, likes] = await listOf(me)
  t.equal((await markRead(me, likes?.latestId)).status, 204)
  t.equal(await unreadOf(me), 1)
  t.strictSame(
    (await listOf(me)).map(({ read: isRead }) => isRead),
    [false, true],
  )
  t.strictSame(
    (await listOf(me, '?unread=true')).map(({ id }) => id),
    [follow?.id],
  )
  await like(app, bo, mine.id)
  await drained(app)
  await like(app, cy, mine.id)
  t.strictSame(await brief(me)(), [
    `like ${mine.id} ${cy.id},${bo.id} 2`,
    `follow - ${ada.id} 1`,
    `like ${mine.id} ${ada.id} 1`,
  ])
  await Promise.all([markRead(me), markRead(me, 1), markRead(me, likes?.latestId)])
  t.equal(await unreadOf(me), 0)
  await markRead(me, Number.MAX_SAFE_INTEGER)
  await relate(app, bo, 'follow', me)
  await drained(app)
  t.equal(await unreadOf(me), 1, 'what comes after is unread, whatever was marked')
})

t.test('nothing of people behind a block or muted, before or after', async (t) => {
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

t.test('a deleted account is gone from the notifications of others, and its own are', async (t) => {
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
})

t.test(
  'pages, while new ones come in; and a page costs the same whatever its length',
  async (t) => {
    const [me, ada] = await people('Me', 'Ada')
    const mine = []
    for (let i = 0; i < 5; i++) mine.push(await tweet(app, me, `tweet ${i}`))
    for (const { id } of mine) {
      await like(app, ada, id)
      await drained(app)
    }
    const first = await read(app, '/v1/notifications?limit=2', me)
    await relate(app, ada, 'follow', me)
    await drained(app)
    const rest = await read(app, `/v1/notifications?limit=100&cursor=${first.nextCursor}`, me)
    const ids = [...first.items, ...rest.items].map((item: Shown) => item.tweet?.id)
    t.strictSame(ids, mine.map(({ id }) => id).reverse())
    const queries = async (limit: number) => {
      let count = 0
      const { query, execute } = app.mysql.pool
      const counting = (original: any) =>
        function (this: unknown, ...args: unknown[]) {
          count++
          return original.apply(this, args)
        }
      Object.assign(app.mysql.pool, { query: counting(query), execute: counting(execute) })
      await app.notifications.page(me.id, { limit })
      Object.assign(app.mysql.pool, { query, execute })
      return count
    }
    t.equal(await queries(2), await queries(6), `${await queries(6)} queries`)
  },
)

t.test('bad requests, and what is another one’s', async (t) => {
  const [me, ada] = await people('Me', 'Ada')
  await relate(app, ada, 'follow', me)
  const [own] = await listOf(me)
  const others = await call(app, `GET /v1/notifications/${own?.id}/people`, { as: ada })
  t.match(others.body, { status: 404, code: 'NOTIFICATION_NOT_FOUND' })
  t.equal(await app.notifications.get(own?.id ?? 0, ada.id), undefined)
  t.match(await app.notifications.get(own?.id ?? 0, me.id), { kind: 'follow', peopleCount: 1 })
  t.equal((await call(app, 'GET /v1/notifications')).status, 401)
  t.equal(
    (await call(app, 'GET /v1/notifications?cursor=x', { as: me })).body.code,
    'INVALID_CURSOR',
  )
  for (const body of [{ upTo: 0 }, { upTo: 'now' }, { until: 1 }])
    t.equal((await call(app, 'PUT /v1/notifications/read', { as: me, body })).status, 400)
  t.strictSame(undocumented(app), [])
})
