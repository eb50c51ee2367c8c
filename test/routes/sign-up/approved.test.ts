import t from 'tap'
import { call, drained, setUp, signUp, type User } from '../../helper.ts'
import { startSmtp } from '../../smtp.ts'

const smtp = await startSmtp(t)
const app = await setUp(t, {
  SIGN_UP: 'approved',
  MAIL_URL: smtp.url,
  MAIL_FROM: 'birdhouse@example.com',
})
const password = 'correct horse battery'
const ask = (email: string, more = {}) =>
  call(app, 'POST /v1/auth/sign-up', { body: { name: 'Hong', email, password, ...more } })
const login = (email: string, secret = password) =>
  call(app, 'POST /v1/auth/login', { body: { email, password: secret } })
async function decide(as: User, id: number, outcome: 'approve' | 'refuse') {
  // The mail of the sign-up may not come last.
  await drained(app)
  return call(app, `POST /v1/admin/sign-ups/${id}/${outcome}`, {
    as,
    ...(outcome === 'refuse' && { body: { reason: 'This community is for people of Jeju' } }),
  })
}
const lastMail = async (email: string) => {
  await drained(app)
  return smtp.to(email).at(-1)
}

/** An account as the command line makes it, which nobody has to approve. */
async function moderator() {
  const email = `mod-${Math.random()}@example.com`
  const passwordHash = await app.password.hash(password)
  const id = await app.users.create({ name: 'Moderator', email, passwordHash })
  await app.moderation.setRole(id, 'moderator')
  return { id, token: (await login(email)).body.accessToken } as User
}
const [mod, mod2] = [await moderator(), await moderator()]

t.test('a new account waits until a moderator approves it', async (t) => {
  const made = await ask('hong@example.com', { handle: 'hong' })
  t.match(made, { status: 202, body: { id: Number, state: 'waiting' } })
  const { id } = made.body
  t.match(await login('hong@example.com'), { status: 403, body: { code: 'SIGN_UP_WAITING' } })
  t.equal((await login('hong@example.com', 'wrong password')).status, 401)
  t.equal((await call(app, `GET /v1/users/${id}`, { as: mod })).status, 404, 'nobody sees it')
  await t.rejects(app.auth.sessions.open(id, { ip: '127.0.0.1', userAgent: '' }))

  const { items } = (await call(app, 'GET /v1/admin/sign-ups', { as: mod })).body
  t.match(items, [{ id, handle: 'hong', email: 'hong@example.com', emailVerified: false }])
  t.match(await call(app, `GET /v1/admin/users/${id}`, { as: mod }), { body: { state: 'waiting' } })

  t.equal((await decide(mod, id, 'approve')).status, 204)
  t.match(await lastMail('hong@example.com'), { subject: 'Your account is approved' })
  t.equal((await login('hong@example.com')).status, 200)
  t.equal((await call(app, `GET /v1/users/${id}`)).status, 200)
  t.same((await call(app, 'GET /v1/admin/sign-ups', { as: mod })).body.items, [])
  const [act] = (await app.moderation.acts({ accountId: id }, { limit: 1 })).items
  t.match(act, { act: 'approve-sign-up', actor: { id: mod.id } })
})

t.test('a refused account is erased, and the person is told why', async (t) => {
  const { id } = (await ask('kim@example.com')).body
  t.equal((await decide(mod, id, 'refuse')).status, 204)
  t.match(await lastMail('kim@example.com'), { text: /people of Jeju/ })
  t.equal((await login('kim@example.com')).status, 401)
  const { users } = app.tables
  const rows = await app.db.select({ id: users.id }).from(users)
  t.notOk(
    rows.some((row) => row.id === id),
    'the row is gone',
  )
  t.equal((await ask('kim@example.com')).status, 202, 'the e-mail address is free')
  t.match(await app.moderation.acts({ act: 'refuse-sign-up' }, { limit: 1 }), {
    items: [{ target: { id }, actor: { id: mod.id } }],
  })
})

t.test('one of two moderators decides', async (t) => {
  const { id } = (await ask('lee@example.com')).body
  const answers = await Promise.all([decide(mod, id, 'approve'), decide(mod2, id, 'refuse')])
  const statuses = answers.map(({ status }) => status).sort()
  t.equal(statuses[0], 204)
  t.ok([404, 409].includes(statuses[1] ?? 0), `the other is refused: ${statuses[1]}`)
  t.equal((await app.moderation.acts({ accountId: id }, { limit: 9 })).items.length, 1)
})

t.test('a person who has an account already is not refused by this queue', async (t) => {
  t.match(await decide(mod, mod2.id, 'refuse'), { status: 409, body: { code: 'NOT_WAITING' } })
  t.match(await decide(mod, 999_999, 'refuse'), { status: 404 })
})

t.test('the flat sign-up waits as well', async (t) => {
  const body = { name: '홍', email: 'flat@example.com', password, profile: 'hi' }
  const made = await call(app, 'POST /sign-up', { body })
  t.match(made, { status: 200, body: { id: Number, name: '홍', email: 'flat@example.com' } })
  const flatLogin = () => call(app, 'POST /login', { body: { email: body.email, password } })
  t.match(await flatLogin(), { status: 403, body: /waits for a moderator/ })
  await decide(mod, made.body.id, 'approve')
  t.equal((await flatLogin()).status, 200)
})

t.test('without the setting nobody waits', async (t) => {
  const open = await setUp(t)
  t.match(await signUp(open), { id: Number, token: String })
})
