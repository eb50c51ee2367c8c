import { sql } from 'drizzle-orm'
import t from 'tap'
import { call, drained, setUp, signUp, type User } from '../helper.ts'
import { startSmtp, tokenIn } from '../smtp.ts'

const NEW = 'xK4-tulip-row'

const smtp = await startSmtp(t)
const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
const login = ({ email, password }: Pick<User, 'email' | 'password'>) =>
  call(app, 'POST /v1/auth/login', { body: { email, password } })
const ask = (email: string) => call(app, 'POST /v1/auth/password-reset', { body: { email } })
const confirm = (token: string, newPassword = NEW) =>
  call(app, 'POST /v1/auth/password-reset/confirm', { body: { token, newPassword } })

/** Asks for a mail and returns its token. */
async function mailedToken(email: string) {
  // A mail of the sign-up may not come last.
  await drained(app)
  t.equal((await ask(email)).status, 202)
  await drained(app)
  return tokenIn(smtp.to(email).at(-1))
}

t.test('a forgotten password is replaced by the token of a mail', async (t) => {
  const user = await signUp(app)
  const token = await mailedToken(user.email)
  t.equal((await confirm(token)).status, 204)
  t.equal((await call(app, 'GET /v1/users/me', { as: user })).status, 401, 'all sessions end')
  t.equal((await login(user)).status, 401, 'the old password is wrong')
  t.equal((await login({ ...user, password: NEW })).status, 200)
  t.match(await confirm(token), { status: 400, body: { code: 'INVALID_MAIL_TOKEN' } })
  await drained(app)
  t.match(smtp.to(user.email).at(-1), { subject: 'Your password was reset' })
})

t.test('the answer does not tell whether an account has the address', async (t) => {
  const user = await signUp(app)
  const [known, unknown] = [await ask(user.email), await ask('nobody@example.com')]
  t.equal(known.status, unknown.status)
  t.strictSame(known.body, unknown.body)
  await drained(app)
  t.strictSame(smtp.to('nobody@example.com'), [])
})

t.test(
  'a token is refused when it is old, replaced, for another purpose or invented',
  async (t) => {
    const user = await signUp(app)
    await drained(app)
    const verification = tokenIn(smtp.to(user.email)[0])
    const first = await mailedToken(user.email)
    const second = await mailedToken(user.email)
    for (const token of [verification, first, 'x'.repeat(43)])
      t.match(await confirm(token), { status: 400, body: { code: 'INVALID_MAIL_TOKEN' } })
    t.match(await confirm('short'), { status: 400 })
    const { mailTokens } = app.tables
    await app.db.update(mailTokens).set({ expiresAt: sql`NOW(3) - INTERVAL 1 SECOND` })
    t.match(await confirm(second), { status: 400, body: { code: 'INVALID_MAIL_TOKEN' } })
    await app.accountMail.purge()
    t.equal((await app.db.select().from(mailTokens)).length, 0)
  },
)

t.test('a weak password is refused, and the token stays valid', async (t) => {
  const user = await signUp(app)
  const token = await mailedToken(user.email)
  t.match(await confirm(token, 'password1'), {
    status: 400,
    body: { errors: [{ path: '/newPassword' }] },
  })
  t.equal((await confirm(token)).status, 204)
})

t.test('of simultaneous uses of a token one succeeds', async (t) => {
  const user = await signUp(app)
  const token = await mailedToken(user.email)
  const passwords = ['aaa-tulip-row', 'bbb-tulip-row', 'ccc-tulip-row', 'ddd-tulip-row']
  const answers = await Promise.all(passwords.map((one) => confirm(token, one)))
  const won = answers.findIndex(({ status }) => status === 204)
  t.strictSame(answers.map(({ status }) => status).sort(), [204, 400, 400, 400])
  t.equal((await login({ ...user, password: passwords[won] ?? '' })).status, 200)
})

t.test('a reset ends the waits of failed logins', async (t) => {
  const user = await signUp(app)
  for (let i = 0; i < 6; i++) await login({ ...user, password: 'wrong wrong' })
  t.equal((await login(user)).status, 429)
  t.equal((await confirm(await mailedToken(user.email))).status, 204)
  t.equal((await login({ ...user, password: NEW })).status, 200)
})

t.test('an address gets a bounded number of mails', async (t) => {
  const few = await setUp(t, {
    MAIL_URL: smtp.url,
    MAIL_FROM: 'birdhouse@example.com',
    LIMIT_MAIL: 'account 3/h, address 1000/h',
  })
  const body = { email: 'Somebody@example.com' }
  const statuses = []
  for (let i = 0; i < 5; i++)
    statuses.push((await call(few, 'POST /v1/auth/password-reset', { body })).status)
  t.strictSame(statuses, [202, 202, 202, 429, 429])
})

t.test('a deleted account gets no mail and leaves no token', async (t) => {
  const user = await signUp(app)
  const token = await mailedToken(user.email)
  const before = smtp.to(user.email).length
  await app.jobs.stop()
  await ask(user.email)
  const body = { password: user.password }
  t.equal((await call(app, 'DELETE /v1/users/me', { as: user, body })).status, 204)
  t.equal((await confirm(token)).status, 404)
  await app.jobs.start()
  await drained(app)
  t.equal(smtp.to(user.email).length, before)
  const { mailTokens } = app.tables
  const left = await app.db.select().from(mailTokens)
  t.notOk(left.some(({ userId }) => userId === user.id))
})
