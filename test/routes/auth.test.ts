import { createHash } from 'node:crypto'
import argon2 from 'argon2'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { call, drained, login, read, settings, setUp, signUp, type User } from '../helper.ts'

const { DATABASE_URL = '' } = await settings(t)
const app = await setUp(t, { DATABASE_URL })
const { users, sessions, refreshTokens } = app.tables
const PASSWORD = 'correct horse battery'

const post = (path: string, body: object, headers = {}) =>
  call(app, `POST /v1/auth/${path}`, { body, headers })
const refresh = (refreshToken: string) => post('refresh', { refreshToken })
const me = (token: string) => call(app, 'GET /v1/users/me', { as: { token } })
const countOf = async (table: typeof users | typeof sessions) => app.db.$count(table)
const hashOf = (token: string) => createHash('sha256').update(token).digest()
const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()

/** Opens another session of the same user. */
async function again(user: User) {
  const { accessToken, refreshToken } = await login(user, app)
  return { ...user, token: accessToken as string, refreshToken: refreshToken as string }
}

const sessionIds = async (user: User) =>
  (await read(app, '/v1/auth/sessions', user)).items.map(({ id }: { id: number }) => id)

t.test('sign-up creates an account and signs in', async (t) => {
  const { status, body, headers } = await post('sign-up', {
    name: 'Hong',
    email: 'Hong.Gil-Dong@Example.COM',
    password: PASSWORD,
  })
  t.equal(status, 201)
  t.equal(headers.location, `/v1/users/${body.user.id}`)
  const { createdAt, unreadNotificationCount: _, ...user } = body.user
  t.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.ok(
    Math.abs(Date.parse(createdAt) - Date.now()) < 10_000,
    'in UTC, independent of the local time zone',
  )
  t.strictSame(user, {
    id: body.user.id,
    handle: 'hong',
    name: 'Hong',
    avatar: null,
    header: null,
    profile: '',
    followerCount: 0,
    followeeCount: 0,
    tweetCount: 0,
    following: false,
    followedBy: false,
    blocking: false,
    muting: false,
    email: 'hong.gil-dong@example.com',
    emailVerified: false,
  })
  t.equal(body.expiresIn, 900)
  t.match(body.refreshToken, /^[A-Za-z0-9_-]{43}$/)
  t.strictSame((await me(body.accessToken)).body, body.user)

  const [row] = await app.db.select().from(users).where(eq(users.id, user.id))
  t.match(row?.passwordHash, /^\$argon2id\$/)
  t.notOk(app.password.needsRehash(row?.passwordHash ?? ''))
  const stored = await app.db.select({ hash: refreshTokens.hash }).from(refreshTokens)
  t.ok(
    stored.some(({ hash }) => hash.equals(hashOf(body.refreshToken))),
    'refresh tokens are stored hashed',
  )
})

t.test('sign-up stores name, e-mail address, handle and profile', async (t) => {
  const given = { name: 'Ann', email: 'ann@example.com', handle: 'ann_1', profile: 'hi\n안녕 👋' }
  const { body } = await post('sign-up', { ...given, password: PASSWORD })
  t.match(body.user, given)
})

t.test('a handle is derived from any name', async (t) => {
  const made = async (name: string) => (await signUp(app, name)).handle
  t.equal(await made('José Ñandú'), 'jose_nandu')
  t.equal(await made('김민준'), 'gimminjun')
  t.match(await made('Łukasz Żółć'), 'lukasz_zolc')
  t.match(await made('O'), /^user_\d+$/)
  t.match(await made('!?'), /^user_\d+$/)
  for (const name of ['👋🏽🎉', '👨‍👩‍👧', 'محمد', 'w'.repeat(50), '_ _ _x', '李']) {
    t.match(await made(name), /^[a-z0-9_]{3,30}$/, name)
  }
  const first = await made('Same Name')
  t.equal(first, 'same_name')
  t.match(await made('Same Name'), /^same_name_\d+$/)
})

t.test('an e-mail address and a handle belong to one account', async (t) => {
  const taken = await signUp(app, 'Taken', { email: 'taken@example.com', handle: 'taken_handle' })
  const before = [await countOf(users), await countOf(sessions)]
  for (const email of ['taken@example.com', 'TAKEN@Example.com']) {
    const { status, body } = await post('sign-up', { name: 'x', email, password: PASSWORD })
    t.equal(status, 409)
    t.equal(body.code, 'EMAIL_TAKEN')
  }
  const other = { name: 'x', email: 'other@example.com', password: PASSWORD, handle: taken.handle }
  const { status, body } = await post('sign-up', other)
  t.equal(status, 409)
  t.equal(body.code, 'HANDLE_TAKEN')
  t.strictSame([await countOf(users), await countOf(sessions)], before, 'nothing is half-written')
})

t.test('concurrent sign-ups get unique e-mail addresses and handles', async (t) => {
  const same = { name: 'Twin', email: 'twin@example.com', password: PASSWORD }
  const identical = await Promise.all(Array.from({ length: 5 }, () => post('sign-up', same)))
  t.strictSame(statuses(identical), [201, 409, 409, 409, 409])

  const namesakes = await Promise.all(
    Array.from({ length: 5 }, (_, n) => post('sign-up', { ...same, email: `n${n}@example.com` })),
  )
  t.strictSame(statuses(namesakes), [201, 201, 201, 201, 201])
  t.equal(new Set(namesakes.map(({ body }) => body.user.handle)).size, 5)

  const rivals = await Promise.all(
    Array.from({ length: 4 }, (_, n) =>
      post('sign-up', { ...same, email: `r${n}@example.com`, handle: 'wanted' }),
    ),
  )
  t.strictSame(statuses(rivals), [201, 409, 409, 409])
})

t.test('an invalid sign-up names the field and writes nothing', async (t) => {
  const good = { name: 'Good', email: 'good@example.com', password: PASSWORD }
  const before = await countOf(users)
  const bad: [string, Record<string, unknown>][] = [
    ['name', { name: undefined }],
    ['name', { name: '' }],
    ['name', { name: ' \u3000' }],
    ['name', { name: '\u200b\u200d' }],
    ['name', { name: 42 }],
    ['name', { name: ['Good'] }],
    ['name', { name: 'two\nlines' }],
    ['name', { name: 'nul\u0000' }],
    ['name', { name: 'bell\u0007' }],
    ['name', { name: 'c1\u0085' }],
    ['name', { name: 'half \ud83d' }],
    ['name', { name: 'x'.repeat(51) }],
    ['name', { name: '가'.repeat(51).normalize('NFD') }],
    ['name', { name: '👋'.repeat(51) }],
    ['name', { name: 'x'.repeat(10_000) }],
    ['email', { email: undefined }],
    ['email', { email: null }],
    ['email', { email: 'nobody' }],
    ['email', { email: 'a b@example.com' }],
    ['email', { email: ' good@example.com' }],
    ['email', { email: 'good@example.com\u0000' }],
    ['email', { email: 'good@example.com\nBcc: x@example.com' }],
    ['email', { email: `${'x'.repeat(243)}@example.com` }],
    ['password', { password: undefined }],
    ['password', { password: 12_345_678 }],
    ['password', { password: '7 chars' }],
    ['password', { password: 'x'.repeat(129) }],
    ['password', { password: 'nul\u0000 in password' }],
    ['profile', { profile: 'x'.repeat(2001) }],
    ['profile', { profile: 'nul\u0000' }],
    ['profile', { profile: 'half \udc4b' }],
    ['profile', { profile: { text: 'x' } }],
    ['handle', { handle: 'ab' }],
    ['handle', { handle: 'x'.repeat(31) }],
    ['handle', { handle: 'Hong' }],
    ['handle', { handle: 'hong\n' }],
    ['handle', { handle: null }],
    ['isAdmin', { isAdmin: true }],
    ['id', { id: 1 }],
  ]
  for (const [field, change] of bad) {
    const { status, body, headers } = await post('sign-up', { ...good, ...change })
    const label = JSON.stringify(change).slice(0, 60)
    t.equal(status, 400, label)
    t.match(headers['content-type'], 'application/problem+json', label)
    t.match(body, { code: 'VALIDATION_FAILED', errors: [{ path: `/body/${field}` }] }, label)
  }
  t.equal(await countOf(users), before)

  const widest = {
    name: '가'.repeat(50).normalize('NFD'),
    email: `${'x'.repeat(59)}@${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.example.com`,
    password: '👋'.repeat(128),
    profile: 'é'.repeat(2000).normalize('NFD'),
    handle: 'z'.repeat(30),
  }
  const { status, body } = await post('sign-up', widest)
  t.equal(status, 201, 'the limits count code points after normalisation')
  t.equal(body.user.name, '가'.repeat(50).normalize('NFC'))
  t.equal(body.user.profile, 'é'.repeat(2000).normalize('NFC'))
  t.equal((await post('login', { email: widest.email, password: widest.password })).status, 200)
})

t.test('a body that is not a JSON object is refused', async (t) => {
  const send = (payload: string | undefined, type: string | undefined) =>
    app.inject({
      method: 'POST',
      url: '/v1/auth/sign-up',
      ...(payload !== undefined && { payload }),
      headers: type ? { 'content-type': type } : {},
    })
  const cases: [number, string | undefined, string | undefined][] = [
    [400, '{"name": ', 'application/json'],
    [400, '', 'application/json'],
    [400, 'null', 'application/json'],
    [400, '[]', 'application/json'],
    [400, '"text"', 'application/json'],
    [400, '{"__proto__": {"name": "x"}}', 'application/json'],
    [400, '\u0000', 'application/json'],
    [400, undefined, undefined],
    [415, '<a/>', 'application/xml'],
    [415, 'name=x', 'application/x-www-form-urlencoded'],
    [415, '{}', 'nonsense'],
    [413, JSON.stringify({ name: 'x'.repeat(70_000) }), 'application/json'],
  ]
  for (const [status, payload, type] of cases) {
    const answer = await send(payload, type)
    const label = `${type}: ${payload?.slice(0, 30)}`
    t.equal(answer.statusCode, status, label)
    t.match(answer.headers['content-type'], 'application/problem+json', label)
    t.match(answer.json(), { status, type: 'about:blank', code: /^[A-Z_]+$/ }, label)
  }
})

t.test(
  'a wrong password and an unknown address get the same answer and the same work',
  async (t) => {
    const user = await signUp(app, 'Login')
    const wrong = await post('login', { email: user.email, password: 'wrong horse battery' })
    const unknown = await post('login', { email: 'nobody@example.com', password: user.password })
    t.equal(wrong.status, 401)
    t.equal(wrong.body.code, 'WRONG_CREDENTIALS')
    t.strictSame(unknown.body, wrong.body)
    t.equal(unknown.status, wrong.status)
    t.strictSame(Object.keys(unknown.headers), Object.keys(wrong.headers))
    t.equal(wrong.headers['www-authenticate'], 'Bearer')
    // Hashing takes nearly all of a login's processor time.
    const work = async (email: string) => {
      const before = process.cpuUsage()
      await post('login', { email, password: 'wrong horse battery' })
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const times = { wrong: [] as number[], unknown: [] as number[] }
    // The fifth failure in a row would make the account wait.
    for (let i = 0; i < 3; i++) {
      times.wrong.push(await work(user.email))
      times.unknown.push(await work('nobody@example.com'))
    }
    const ratio = Math.min(...times.unknown) / Math.min(...times.wrong)
    t.ok(ratio > 0.5 && ratio < 2, `an unknown address takes ${ratio.toFixed(2)} of the time`)

    const { status, body } = await post('login', {
      email: user.email.toUpperCase(),
      password: user.password,
    })
    t.equal(status, 200, 'case of the address makes no difference')
    t.equal(body.user.id, user.id)
    t.equal((await me(body.accessToken)).status, 200)
    for (const bad of [{ email: user.email }, { ...user }, { email: 1, password: 'x' }]) {
      t.equal((await post('login', bad)).status, 400)
    }
  },
)

t.test('every route validates an e-mail address in the same way', async (t) => {
  const user = await signUp(app, 'Address')
  const other = { name: 'x', profile: '', password: PASSWORD }
  for (const spaced of [
    `${user.email} `,
    ` ${user.email}`,
    `${user.email}\t`,
    `${user.email}\u00a0`,
  ]) {
    for (const path of ['/v1/auth/login', '/login', '/v1/auth/sign-up', '/sign-up']) {
      const body = path.includes('sign-up')
        ? { ...other, email: spaced }
        : { email: spaced, password: user.password }
      const { status, body: problem } = await call(app, `POST ${path}`, { body })
      t.equal(status, 400, `${path} ${JSON.stringify(spaced)}`)
      t.match(problem.detail ?? problem, '/body/email must be an e-mail address')
    }
    await t.rejects(app.auth.checkCredentials(spaced, user.password, '127.0.0.1'), {
      code: 'WRONG_CREDENTIALS',
    })
  }
  for (const path of ['/v1/auth/login', '/login']) {
    const body = { email: user.email.toUpperCase(), password: user.password }
    t.equal((await call(app, `POST ${path}`, { body })).status, 200, path)
  }
})

t.test('the next login renews a hash with other parameters', async (t) => {
  const user = await signUp(app, 'Rehash')
  const hashNow = async () => {
    const [row] = await app.db.select().from(users).where(eq(users.id, user.id))
    return row?.passwordHash
  }
  const weak = await argon2.hash(user.password, { memoryCost: 1024, timeCost: 1, parallelism: 1 })
  const account = await app.users.credentials({ id: user.id })
  await app.users.setPasswordHash(user.id, account?.passwordHash ?? '', weak)

  t.equal((await post('login', { email: user.email, password: 'wrong horse' })).status, 401)
  t.equal(await hashNow(), weak, 'a wrong password does not renew the hash')
  await login(user, app)
  const renewed = await hashNow()
  t.notOk(app.password.needsRehash(renewed ?? ''))
  await login(user, app)
  t.equal(await hashNow(), renewed, 'once')
})

t.test('a refresh token is valid for one use', async (t) => {
  const user = await signUp(app, 'Rotation')
  const first = await refresh(user.refreshToken)
  t.equal(first.status, 200)
  t.strictSame(Object.keys(first.body).sort(), ['accessToken', 'expiresIn', 'refreshToken'])
  t.not(first.body.refreshToken, user.refreshToken)
  const second = await refresh(first.body.refreshToken)
  t.equal(second.status, 200)
  for (const token of [user.token, first.body.accessToken, second.body.accessToken]) {
    t.equal((await me(token)).status, 200)
  }
  t.equal((await sessionIds(user)).length, 1, 'refreshes stay in one session')
})

/** Moves the time at which the user's first refresh token was spent into the past. */
const spentSecondsAgo = (user: User, seconds: number) =>
  app.db
    .update(refreshTokens)
    .set({ spentAt: sql`NOW(3) - INTERVAL ${seconds} SECOND` })
    .where(eq(refreshTokens.hash, hashOf(user.refreshToken)))

t.test('a refresh that is repeated within 10 seconds gets the same successor', async (t) => {
  const user = await signUp(app, 'Lost Answer')
  const { body: lost } = await refresh(user.refreshToken)
  await spentSecondsAgo(user, 8)
  const repeat = await refresh(user.refreshToken)
  t.equal(repeat.status, 200)
  t.equal(repeat.body.refreshToken, lost.refreshToken)
  for (const token of [lost.accessToken, repeat.body.accessToken]) {
    t.equal((await me(token)).status, 200)
  }
  t.equal((await refresh(lost.refreshToken)).status, 200, 'the session continues')
})

t.test('another process with a new secret answers a repeat with the same successor', async (t) => {
  const user = await signUp(app, 'Two Processes')
  const { body: first } = await refresh(user.refreshToken)
  const other = await setUp(t, { DATABASE_URL })
  const answer = await call(other, 'POST /v1/auth/refresh', {
    body: { refreshToken: user.refreshToken },
  })
  t.equal(answer.status, 200)
  t.equal(answer.body.refreshToken, first.refreshToken)
})

t.test('twenty concurrent refreshes get one successor', async (t) => {
  const user = await signUp(app, 'Many Tabs')
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(user.refreshToken)))
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200]))
  const successors = [...new Set(answers.map(({ body }) => body.refreshToken))]
  t.equal(successors.length, 1)
  t.equal((await me(answers[19]?.body.accessToken)).status, 200)
  t.equal((await refresh(successors[0])).status, 200)
  t.equal((await sessionIds(user)).length, 1)
})

for (const { when, prepare } of [
  { when: 'later', prepare: (user: User) => spentSecondsAgo(user, 11) },
  {
    when: 'after its successor was spent',
    prepare: async (_user: User, successor: string) => void (await refresh(successor)),
  },
]) {
  t.test(`a spent refresh token that comes back ${when} ends its session at once`, async (t) => {
    const user = await signUp(app, 'Stolen')
    const elsewhere = await again(user)
    const { body: thief } = await refresh(user.refreshToken)
    t.equal((await me(thief.accessToken)).status, 200)
    await prepare({ ...user, token: thief.accessToken }, thief.refreshToken)

    const reuse = await refresh(user.refreshToken)
    t.equal(reuse.status, 401)
    t.equal(reuse.body.code, 'INVALID_REFRESH_TOKEN')
    for (const token of [user.token, thief.accessToken]) {
      const { status, body, headers } = await me(token)
      t.equal(status, 401)
      t.equal(body.code, 'SESSION_REVOKED')
      t.equal(headers['www-authenticate'], 'Bearer')
    }
    t.equal((await refresh(thief.refreshToken)).status, 401, 'the newest token is revoked too')
    t.equal((await me(elsewhere.token)).status, 200, 'other sessions continue')
    t.equal((await refresh(elsewhere.refreshToken)).status, 200)
  })
}

t.test('a repeat after the session has ended is refused', async (t) => {
  const user = await signUp(app, 'Gone')
  const { body } = await refresh(user.refreshToken)
  t.equal((await call(app, 'POST /v1/auth/logout', { as: user })).status, 204)
  t.equal((await refresh(user.refreshToken)).status, 401)
  t.equal((await me(body.accessToken)).status, 401)
})

t.test('concurrent refreshes and a logout leave no valid token', async (t) => {
  const user = await signUp(app, 'Refreshing Logout')
  const [logout, ...answers] = await Promise.all([
    call(app, 'POST /v1/auth/logout', { as: user }),
    ...Array.from({ length: 19 }, () => refresh(user.refreshToken)),
  ])
  t.equal(logout.status, 204)
  t.notOk(answers.some(({ status }) => status !== 200 && status !== 401))
  for (const { body } of answers.filter(({ status }) => status === 200)) {
    t.equal((await me(body.accessToken)).status, 401)
    t.equal((await refresh(body.refreshToken)).status, 401)
  }
  const left = await app.db.select().from(sessions).where(eq(sessions.userId, user.id))
  t.strictSame(left, [])
})

t.test(
  'the database alone reveals no refresh token, and no successor of a token before the last',
  async (t) => {
    const user = await signUp(app, 'Chain')
    const { body: second } = await refresh(user.refreshToken)
    await refresh(second.refreshToken)
    const [id = 0] = await sessionIds(user)
    const rows = await app.db.select().from(refreshTokens).where(eq(refreshTokens.sessionId, id))
    t.equal(rows.length, 3)
    const salted = rows.filter(({ successorSalt }) => successorSalt !== null)
    const digest = createHash('sha256').update(second.refreshToken).digest()
    t.strictSame(
      salted.map(({ hash }) => hash),
      [digest],
      'only the token spent last can be repeated',
    )
  },
)

t.test('unknown, malformed and expired refresh tokens are refused', async (t) => {
  const unknown = await refresh('x'.repeat(43))
  t.equal(unknown.status, 401)
  t.equal(unknown.body.code, 'INVALID_REFRESH_TOKEN')
  for (const malformed of ['', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}!`]) {
    const { status, body } = await refresh(malformed)
    t.equal(status, 400)
    t.match(body.errors, [{ path: '/body/refreshToken' }])
  }
  const user = await signUp(app, 'Idle')
  const [idle] = await sessionIds(user)
  const active = await again(user)
  await app.db
    .update(sessions)
    .set({ expiresAt: sql`NOW(3) - INTERVAL 1 SECOND` })
    .where(eq(sessions.id, idle))
  t.equal((await refresh(user.refreshToken)).status, 401)
  t.notOk((await sessionIds(active)).includes(idle))
  await app.auth.sessions.purge()
  const left = await app.db.select().from(sessions).where(eq(sessions.userId, user.id))
  t.equal(left.length, 1, 'the purge deletes only expired sessions')
})

t.test('logout ends only this session', async (t) => {
  const user = await signUp(app, 'Logout')
  const elsewhere = await again(user)
  t.equal((await call(app, 'POST /v1/auth/logout', { as: user })).status, 204)
  t.equal((await me(user.token)).status, 401)
  t.equal((await refresh(user.refreshToken)).status, 401)
  t.equal((await call(app, 'POST /v1/auth/logout', { as: user })).status, 401)
  t.equal((await me(elsewhere.token)).status, 200)
  t.equal((await call(app, 'POST /v1/auth/logout')).status, 401)
})

t.test('sessions are listed and ended by their owner', async (t) => {
  const user = await signUp(app, 'Sessions')
  const stranger = await signUp(app, 'Stranger')
  const agent = `Browser ${'x'.repeat(400)}`
  const { body: phone } = await post(
    'login',
    { email: user.email, password: user.password },
    { 'user-agent': agent },
  )
  const { items } = await read(app, '/v1/auth/sessions', user)
  t.equal(items.length, 2)
  t.match(items, [
    { current: false, ip: '127.0.0.1', userAgent: agent.slice(0, 255) },
    { current: true },
  ])
  t.ok(items[0].id > items[1].id, 'newest first')
  const keys = ['app', 'createdAt', 'current', 'id', 'ip', 'lastUsedAt', 'userAgent']
  t.strictSame(Object.keys(items[0]).sort(), keys)

  await refresh(phone.refreshToken)
  const { items: later } = await read(app, '/v1/auth/sessions', user)
  t.ok(later[0].lastUsedAt > items[0].lastUsedAt)
  t.equal(later[0].createdAt, items[0].createdAt)

  const end = (id: unknown, as: User) => call(app, `DELETE /v1/auth/sessions/${id}`, { as })
  const foreign = await end(items[0].id, stranger)
  t.equal(foreign.status, 404)
  t.equal(foreign.body.code, 'SESSION_NOT_FOUND')
  t.equal((await me(phone.accessToken)).status, 200, 'another user cannot end the session')
  for (const id of ['0', '-1', '1.5', 'x', '9007199254740993', '1e400']) {
    t.equal((await end(id, user)).status, 400, id)
  }
  t.equal((await end(Number.MAX_SAFE_INTEGER, user)).status, 404)

  t.equal((await end(items[0].id, user)).status, 204)
  t.equal((await end(items[0].id, user)).status, 404)
  t.equal((await me(phone.accessToken)).status, 401)
  t.equal((await me(user.token)).status, 200)
  t.strictSame(await sessionIds(user), [items[1].id])
  t.equal((await end(items[1].id, user)).status, 204, 'the current session can be ended too')
  t.equal((await me(user.token)).status, 401)
})

t.test('a login of an account that is erased meanwhile is 404, not 500', async (t) => {
  const gone = await signUp(app, 'Gone')
  await app.users.remove(gone.id)
  await drained(app)
  const client = { ip: '127.0.0.1', userAgent: '' }
  const refused = { statusCode: 404, code: 'USER_NOT_FOUND' }
  await t.rejects(app.auth.sessions.open(gone.id, client), refused)
  await t.rejects(app.auth.sessions.openFor(60, gone.id, client), refused)
})
