import { call, drained, like, read, relate, setUp, tweet, undocumented } from 'birdhouse/testing'
import t from 'tap'
import { createReaders, type Shown } from './readers.ts'

const app = await setUp(t)
const { people, listOf, brief, unreadOf, markRead } = createReaders(app)

t.test('a read mark only moves forward, and later causes begin a new group', async (t) => {
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
  t.equal(await unreadOf(me), 1, 'later notifications are unread for any mark')
})

t.test('pages are stable during inserts and take a fixed number of queries', async (t) => {
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
})

t.test('bad requests and notifications of other users are rejected', async (t) => {
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
