import { count, eq } from 'drizzle-orm'
import t, { type Test } from 'tap'
import { call, read, readAll, relate, setUp, signUp, type User, unrelate } from '../helper.ts'

const app = await setUp(t)
const people = (...names: string[]) => Promise.all(names.map((name) => signUp(app, name)))
const profile = (of: User, as?: User) => read(app, `/v1/users/${of.id}`, as)
const ids = (items: { id: number }[]) => items.map(({ id }) => id)

async function countsAgree(t: Test, ...users: User[]) {
  const { follows } = app.tables
  for (const user of users) {
    const { followerCount, followeeCount } = await profile(user)
    const [followers] = await app.db
      .select({ n: count() })
      .from(follows)
      .where(eq(follows.followeeId, user.id))
    const [followees] = await app.db
      .select({ n: count() })
      .from(follows)
      .where(eq(follows.followerId, user.id))
    t.strictSame(
      [followerCount, followeeCount],
      [followers?.n, followees?.n],
      'counts equal the rows',
    )
  }
}

t.test('follow, block and mute are idempotent', async (t) => {
  const [ann, ben] = (await people('Ann', 'Ben')) as [User, User]
  const flags = { follow: 'following', block: 'blocking', mute: 'muting' }
  for (const [relation, flag] of Object.entries(flags)) {
    await unrelate(app, ann, relation, ben)
    await relate(app, ann, relation, ben)
    await relate(app, ann, relation, ben)
    t.equal((await profile(ben, ann))[flag], true, relation)
    if (relation !== 'block')
      t.equal((await profile(ann, ben))[flag], false, `${relation} holds in one direction only`)
    await countsAgree(t, ann, ben)
    await unrelate(app, ann, relation, ben)
    await unrelate(app, ann, relation, ben)
    t.equal((await profile(ben, ann))[flag], false, `un${relation}`)
    await countsAgree(t, ann, ben)
  }
  await relate(app, ben, 'follow', ann)
  t.match(await profile(ben, ann), { following: false, followedBy: true, followeeCount: 1 })
  t.notOk('following' in (await profile(ben)), 'flags are absent without a viewer')
})

t.test('following yourself or an unknown user, or without a token, is refused', async (t) => {
  const [cho] = (await people('초희')) as [User]
  for (const relation of ['follow', 'block', 'mute']) {
    const self = await call(app, `PUT /v1/users/${cho.id}/${relation}`, { as: cho })
    t.equal(self.status, 400, relation)
    t.equal(self.body.code, 'NOT_YOURSELF')
    const nobody = await call(app, `PUT /v1/users/999999999/${relation}`, { as: cho })
    t.equal(nobody.status, 404, relation)
    t.equal(nobody.body.code, 'USER_NOT_FOUND')
    t.equal((await call(app, `PUT /v1/users/${cho.id}/${relation}`)).status, 401, relation)
    for (const id of ['0', '-1', 'x', '9007199254740993']) {
      for (const method of ['PUT', 'DELETE']) {
        const { status } = await call(app, `${method} /v1/users/${id}/${relation}`, { as: cho })
        t.equal(status, 400, `${method} ${relation} ${id}`)
      }
    }
  }
  for (const list of ['followers', 'following']) {
    t.equal((await call(app, `GET /v1/users/999999999/${list}`)).status, 404)
  }
  for (const list of ['blocks', 'mutes']) {
    t.equal((await call(app, `GET /v1/users/me/${list}`)).status, 401)
  }
})

t.test('blocking ends following in both directions', async (t) => {
  const [dan, eve, fay] = (await people('Dan', 'Eve', 'Fay')) as [User, User, User]
  await relate(app, dan, 'follow', eve)
  await relate(app, eve, 'follow', dan)
  await relate(app, fay, 'follow', dan)
  await relate(app, eve, 'block', dan)
  t.match(await profile(dan, eve), { following: false, followedBy: false, blocking: true })
  for (const path of [eve.id, `by-handle/${eve.handle}`]) {
    const hidden = await call(app, `GET /v1/users/${path}`, { as: dan })
    t.match(hidden, { status: 404, body: { code: 'USER_NOT_FOUND' } })
  }
  t.equal((await call(app, `GET /view-data?id=${eve.id}`, { as: dan })).status, 404)
  t.equal((await profile(dan)).followerCount, 1, 'follows by others stay')
  await countsAgree(t, dan, eve, fay)

  for (const [as, other] of [
    [dan, eve],
    [eve, dan],
  ] as const) {
    const { status, body } = await call(app, `PUT /v1/users/${other.id}/follow`, { as })
    t.equal(status, 403)
    t.equal(body.code, 'FOLLOW_BLOCKED')
  }
  await countsAgree(t, dan, eve)
  await relate(app, dan, 'block', eve)
  await unrelate(app, eve, 'block', dan)
  t.equal((await call(app, `PUT /v1/users/${dan.id}/follow`, { as: eve })).status, 403)
  await unrelate(app, dan, 'block', eve)
  await relate(app, eve, 'follow', dan)
  t.equal((await profile(dan, eve)).following, true)
})

t.test('concurrent block and follow never leave both', async (t) => {
  const [gus, hal] = (await people('Gus', 'Hal')) as [User, User]
  const seen = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all([
      call(app, `PUT /v1/users/${hal.id}/follow`, { as: gus }),
      call(app, `PUT /v1/users/${gus.id}/block`, { as: hal }),
      call(app, `PUT /v1/users/${gus.id}/follow`, { as: hal }),
    ])
    const statuses = answers.map(({ status }) => status)
    seen.add(statuses.join())
    t.ok(
      statuses.every((status) => status === 204 || status === 403),
      `round ${round}: ${statuses}`,
    )
    t.equal(statuses[1], 204)
    t.match(await profile(gus, hal), { blocking: true, following: false, followedBy: false })
    await countsAgree(t, gus, hal)
    await unrelate(app, hal, 'block', gus)
  }
  t.comment(`follow, block, follow answered ${[...seen].join(' | ')}`)
})

t.test(
  'concurrent blocks and follows among five users leave exact counts and no blocked follow',
  async (t) => {
    const crowd = await people('Ida', 'Jon', 'Kim', 'Lee', 'Mia')
    const pairs = crowd.flatMap((a) => crowd.filter((b) => a !== b).map((b) => [a, b] as const))
    const answers = await Promise.all(
      pairs.map(([a, b], n) =>
        call(app, `PUT /v1/users/${b.id}/${n % 3 ? 'follow' : 'block'}`, { as: a }),
      ),
    )
    t.notOk(answers.some(({ status }) => status !== 204 && status !== 403))
    const blocks = await app.db.select().from(app.tables.blocks)
    const follows = await app.db.select().from(app.tables.follows)
    for (const { blockerId, blockedId } of blocks) {
      t.notOk(
        follows.some(
          ({ followerId: a, followeeId: b }) =>
            (a === blockerId && b === blockedId) || (a === blockedId && b === blockerId),
        ),
      )
    }
    await countsAgree(t, ...crowd)
  },
)

t.test('lists of users are paged, newest relation first', async (t) => {
  const [star, ...fans] = (await people('Star', ...Array(9).fill('Fan'))) as [User, ...User[]]
  for (const fan of fans) {
    await relate(app, fan, 'follow', star)
    await relate(app, star, 'follow', fan)
    await relate(app, star, 'mute', fan)
  }
  const latestFirst = ids(fans).reverse()
  const lists: [string, User | undefined][] = [
    [`/v1/users/${star.id}/followers`, undefined],
    [`/v1/users/${star.id}/following`, undefined],
    ['/v1/users/me/mutes', star],
  ]
  for (const [path, as] of lists) {
    for (const limit of [1, 4, 9, 100]) {
      t.strictSame(ids(await readAll(app, path, as, limit)), latestFirst, `${path} by ${limit}`)
    }
    const page = await call(app, `GET ${path}?limit=4`, { as })
    t.equal(page.headers.link, `<${path}?limit=4&cursor=${page.body.nextCursor}>; rel="next"`)
    t.strictSame(Object.keys(page.body.items[0]).sort(), ['avatar', 'handle', 'id', 'name'])
    const malformed = await call(app, `GET ${path}?cursor=nonsense`, { as })
    t.equal(malformed.status, 400)
    const elsewhere = await call(app, `GET /v1/tweets?cursor=${page.body.nextCursor}`)
    t.equal(elsewhere.body.code, 'INVALID_CURSOR')
  }

  const page = await call(app, `GET /v1/users/${star.id}/followers?limit=4`)
  const foreign = page.body.nextCursor
  for (const path of [
    `/v1/users/${star.id}/following`,
    `/v1/users/${fans[0]?.id}/followers`,
    '/v1/users/me/mutes',
    '/v1/users/me/blocks',
  ]) {
    const { status, body } = await call(app, `GET ${path}?cursor=${foreign}`, { as: star })
    t.equal(status, 400, path)
    t.equal(body.code, 'INVALID_CURSOR', path)
  }
  const mutes = await call(app, 'GET /v1/users/me/mutes?limit=4', { as: star })
  const theirs = `GET /v1/users/me/mutes?cursor=${mutes.body.nextCursor}`
  t.equal(
    (await call(app, theirs, { as: fans[0] as User })).status,
    400,
    "a cursor of another user's list is refused",
  )

  for (const fan of fans) await relate(app, star, 'block', fan)
  t.strictSame(ids(await readAll(app, '/v1/users/me/blocks', star, 4)), latestFirst)
  t.strictSame(
    (await read(app, '/v1/users/me/blocks', fans[0])).items,
    [],
    'blocked users do not learn of the block',
  )
  t.strictSame((await read(app, `/v1/users/${star.id}/followers`)).items, [])
})

t.test('following a user again after the account is deleted answers 404', async (t) => {
  const app = await setUp(t)
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  await app.jobs.stop()
  await relate(app, ann, 'follow', ben)
  await call(app, 'DELETE /v1/users/me', { as: ben, body: { password: ben.password } })
  t.equal((await call(app, `PUT /v1/users/${ben.id}/follow`, { as: ann })).status, 404)
})
