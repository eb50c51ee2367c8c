import { eq, inArray, sql } from 'drizzle-orm'
import t from 'tap'
import { call, login, read, readAll, runJob, setUp, signUp, type User } from '../helper.ts'

const app = await setUp(t)
const { sessions } = app.tables
const MOST = 50
const client = { ip: '127.0.0.1', userAgent: 'test' }

const refresh = (refreshToken: string) =>
  call(app, 'POST /v1/auth/refresh', { body: { refreshToken } })
const me = (token: string) => call(app, 'GET /v1/users/me', { as: { token } })
const rowsOf = (user: User) =>
  app.db.select().from(sessions).where(eq(sessions.userId, user.id)).orderBy(sessions.id)
const shift = (user: User, days: number) =>
  app.db
    .update(sessions)
    .set({
      createdAt: sql`${sessions.createdAt} - INTERVAL ${days} DAY`,
      lastUsedAt: sql`${sessions.lastUsedAt} - INTERVAL ${days} DAY`,
      expiresAt: sql`${sessions.expiresAt} - INTERVAL ${days} DAY`,
    })
    .where(eq(sessions.userId, user.id))

t.test('a session ends after 30 days without a refresh', async (t) => {
  const user = await signUp(app, 'Idle')
  const { refreshToken } = await login(user, app)
  await shift(user, 29)
  const { status, body } = await refresh(refreshToken)
  t.equal(status, 200, 'on day 29 it goes on')
  await shift(user, 30)
  t.equal((await refresh(body.refreshToken)).status, 401)
})

t.test('refreshes never extend a session beyond 90 days', async (t) => {
  const user = await signUp(app, 'Absolute')
  let { refreshToken } = await login(user, app)
  for (const days of [29, 29, 29]) {
    await shift(user, days)
    const { status, body } = await refresh(refreshToken)
    t.equal(status, 200)
    refreshToken = body.refreshToken
  }
  const [, row] = await rowsOf(user)
  const life = Number(row?.expiresAt) - Number(row?.createdAt)
  t.equal(life, 90 * 86_400_000, 'on day 87 three days are left')
  await app.db
    .update(sessions)
    .set({
      createdAt: sql`NOW(3) - INTERVAL 90 DAY + INTERVAL 60 SECOND`,
      expiresAt: sql`NOW(3) + INTERVAL 60 SECOND`,
    })
    .where(eq(sessions.id, row?.id ?? 0))
  const { body: last } = await refresh(refreshToken)
  t.ok(last.expiresIn > 0 && last.expiresIn <= 60, 'the access token ends with the session')
  await shift(user, 1)
  t.equal((await refresh(last.refreshToken)).status, 401)
})

t.test('the session of an app keeps its address for 90 days', async (t) => {
  const [young, old] = [await signUp(app, 'Young'), await signUp(app, 'Old')]
  const used = { ...client, ip: '192.0.2.7', app: 'Ivory' }
  for (const { id } of [young, old]) await app.auth.sessions.openForApp(id, used)
  for (const [user, days] of [
    [young, 89],
    [old, 91],
  ] as const) {
    await shift(user, days)
    const inUse = { expiresAt: sql`NOW(3) + INTERVAL 300 DAY`, lastUsedAt: sql`NOW(3)` }
    await app.db.update(sessions).set(inUse).where(eq(sessions.userId, user.id))
  }
  await runJob(app, 'auth.purgeSessions', {})
  const addressesOf = async (user: User) =>
    (await readAll(app, '/v1/auth/sessions', user)).map(({ app, ip }) => [app, ip])
  t.strictSame(await addressesOf(young), [
    ['Ivory', '192.0.2.7'],
    [null, '127.0.0.1'],
  ])
  t.strictSame(await addressesOf(old), [
    ['Ivory', ''],
    [null, ''],
  ])
})

t.test('an account has at most 50 sessions; the one that was used longest ago ends', async (t) => {
  const user = await signUp(app, 'Many')
  const first = await login(user, app)
  for (let n = 2; n < MOST; n++) await app.auth.sessions.open(user.id, client)
  await refresh(first.refreshToken)
  const ids = (await rowsOf(user)).map(({ id }) => id)
  t.equal(ids.length, MOST)
  const flat = await app.auth.sessions.openFor(86_400, user.id, client)
  const left = (await rowsOf(user)).map(({ id }) => id)
  t.equal(left.length, MOST, 'a session of the flat login counts as well')
  t.notOk(left.includes(ids[0] ?? 0), 'the session of the sign-up ended')
  t.ok(left.includes(ids[1] ?? 0), 'the one that was refreshed stays')
  t.match(await me(user.token), { status: 401, body: { code: 'SESSION_REVOKED' } })
  t.equal((await me(flat)).status, 200)
})

t.test('simultaneous logins never exceed 50 sessions', async (t) => {
  const user = await signUp(app, 'At once')
  for (let n = 1; n < MOST - 2; n++) await app.auth.sessions.open(user.id, client)
  await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      n % 2
        ? app.auth.sessions.open(user.id, client)
        : app.auth.sessions.openFor(86_400, user.id, client),
    ),
  )
  t.equal((await rowsOf(user)).length, MOST)
})

t.test('an expired session takes no place of an open one', async (t) => {
  const user = await signUp(app, 'Expired')
  for (let n = 1; n < MOST; n++) await app.auth.sessions.open(user.id, client)
  const ids = (await rowsOf(user)).map(({ id }) => id)
  await app.db
    .update(sessions)
    .set({ expiresAt: sql`NOW(3) - INTERVAL 1 SECOND` })
    .where(inArray(sessions.id, ids.slice(-5)))
  await app.auth.sessions.open(user.id, client)
  t.equal((await me(user.token)).status, 200)
})

t.test('the list of sessions has pages', async (t) => {
  const user = await signUp(app, 'Pages')
  for (let n = 0; n < 9; n++) await app.auth.sessions.open(user.id, client)
  const page = await read(app, '/v1/auth/sessions?limit=2', user)
  t.equal(page.items.length, 2)
  t.ok(page.nextCursor)
  const all = await readAll(app, '/v1/auth/sessions', user)
  t.strictSame(
    all.map(({ id }: { id: number }) => id),
    (await rowsOf(user)).map(({ id }) => id).reverse(),
  )
  const stranger = await signUp(app, 'Stranger')
  const path = `/v1/auth/sessions?cursor=${page.nextCursor}`
  t.match(await call(app, `GET ${path}`, { as: stranger }), {
    status: 400,
    body: { code: 'INVALID_CURSOR' },
  })
})

t.test('all other sessions end at once', async (t) => {
  const user = await signUp(app, 'Others')
  const [phone, desk] = [await login(user, app), await login(user, app)]
  const stranger = await signUp(app, 'Bystander')
  const end = () => call(app, 'DELETE /v1/auth/sessions', { as: user })
  t.equal((await end()).status, 204)
  for (const { accessToken, refreshToken } of [phone, desk]) {
    t.equal((await me(accessToken)).status, 401)
    t.equal((await refresh(refreshToken)).status, 401)
  }
  t.equal((await me(user.token)).status, 200)
  t.equal((await me(stranger.token)).status, 200)
  t.equal((await end()).status, 204, 'idempotent')
  t.equal((await call(app, 'DELETE /v1/auth/sessions')).status, 401)
})

t.test('bodies of routes with passwords and tokens are small', async (t) => {
  const as = await signUp(app, 'Large')
  const body = { password: 'x'.repeat(11_000) }
  for (const route of ['POST /v1/auth/login', 'POST /v1/auth/refresh', 'POST /login'])
    t.equal((await call(app, route, { body })).status, 413, route)
  for (const route of ['PUT /v1/users/me/password', 'DELETE /v1/users/me'])
    t.equal((await call(app, route, { as, body })).status, 413, route)
  const signUpBody = { profile: 'x'.repeat(41_000) }
  for (const route of ['POST /v1/auth/sign-up', 'POST /sign-up'])
    t.equal((await call(app, route, { body: signUpBody })).status, 413, route)
  const longest = { name: 'Long', email: 'long@example.com', password: 'correct horse battery' }
  const profile = '👋'.repeat(2000)
  const made = await call(app, 'POST /v1/auth/sign-up', { body: { ...longest, profile } })
  t.equal(made.status, 201)
})
