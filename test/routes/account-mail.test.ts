import t from 'tap'
import { call, drained, setUp, signUp, type User } from '../helper.ts'
import { startSmtp, tokenIn } from '../smtp.ts'

const smtp = await startSmtp(t)
const app = await setUp(t, {
  MAIL_URL: smtp.url,
  MAIL_FROM: 'birdhouse@example.com',
  TRUST_PROXY: '127.0.0.1',
})
const lastTo = async (email: string) => {
  await drained(app)
  return smtp.to(email).at(-1)
}
const own = async (as: User) => (await call(app, 'GET /v1/users/me', { as })).body
const login = ({ email, password }: Pick<User, 'email' | 'password'>) =>
  call(app, 'POST /v1/auth/login', { body: { email, password } })
const ask = (as: User, body: object) => call(app, 'PUT /v1/users/me/email', { as, body })
const confirm = (what: string, token: string) =>
  call(app, `POST /v1/auth/${what}/confirm`, { body: { token } })

t.test('a sign-up sends a mail whose token verifies the address', async (t) => {
  const user = await signUp(app)
  t.equal((await own(user)).emailVerified, false)
  const first = tokenIn(await lastTo(user.email))
  const again = await call(app, 'POST /v1/auth/email-verification', { as: user })
  t.equal(again.status, 202)
  const second = tokenIn(await lastTo(user.email))
  t.equal((await confirm('email-verification', first)).status, 400, 'a newer mail replaces it')
  t.equal((await confirm('email-verification', second)).status, 204)
  t.equal((await own(user)).emailVerified, true)
  t.equal((await confirm('email-verification', second)).status, 400)
})

t.test(
  'an e-mail address changes once its owner confirms, and the earlier one is told',
  async (t) => {
    const user = await signUp(app)
    const email = 'new@example.com'
    t.match(await ask(user, { email, password: 'wrong wrong' }), { status: 403 })
    t.match(await ask(user, { email: user.email.toUpperCase(), password: user.password }), {
      status: 400,
      body: { errors: [{ path: '/email' }] },
    })
    t.equal((await ask(user, { email, password: user.password })).status, 202)
    const token = tokenIn(await lastTo(email))
    t.equal((await own(user)).email, user.email, 'nothing changes before')
    t.equal((await confirm('email-change', token)).status, 204)
    t.match(await own(user), { email, emailVerified: true })
    t.match(await lastTo(user.email), { subject: 'Your e-mail address was changed' })
    t.equal((await login({ ...user, email })).status, 200)
    t.equal((await login(user)).status, 401)
  },
)

t.test('an address of another account is refused only to who reads its mails', async (t) => {
  const [user, other] = [await signUp(app), await signUp(app)]
  const body = { email: other.email, password: user.password }
  t.equal((await ask(user, body)).status, 202)
  const token = tokenIn(await lastTo(other.email))
  t.match(await confirm('email-change', token), { status: 409, body: { code: 'EMAIL_TAKEN' } })
  t.equal((await own(user)).email, user.email)
})

t.test('a changed password ends a change of the address that was asked for before', async (t) => {
  const user = await signUp(app)
  const stranger = 'thief@example.com'
  t.equal((await ask(user, { email: stranger, password: user.password })).status, 202)
  const token = tokenIn(await lastTo(stranger))
  await app.jobs.stop()
  t.equal((await ask(user, { email: stranger, password: user.password })).status, 202)
  const body = { password: user.password, newPassword: 'xK4-tulip-row' }
  t.equal((await call(app, 'PUT /v1/users/me/password', { as: user, body })).status, 204)
  t.match(await confirm('email-change', token), { body: { code: 'INVALID_MAIL_TOKEN' } })
  await app.jobs.start()
  t.equal(tokenIn(await lastTo(stranger)), token, 'the mail that waited is not sent')
  t.equal((await own(user)).email, user.email)
})

t.test('a token to reset the password ends with a change of the address', async (t) => {
  const user = await signUp(app)
  await call(app, 'POST /v1/auth/password-reset', { body: { email: user.email } })
  const reset = tokenIn(await lastTo(user.email))
  const email = 'moved@example.com'
  await ask(user, { email, password: user.password })
  await confirm('email-change', tokenIn(await lastTo(email)))
  const body = { token: reset, newPassword: 'xK4-tulip-row' }
  const answer = await call(app, 'POST /v1/auth/password-reset/confirm', { body })
  t.match(answer, { status: 400, body: { code: 'INVALID_MAIL_TOKEN' } })
})

t.test('the owner is told of a login in a new place, and of a new password', async (t) => {
  const user = await signUp(app)
  await lastTo(user.email)
  const from = (address: string) =>
    call(app, 'POST /v1/auth/login', {
      body: { email: user.email, password: user.password },
      headers: { 'x-forwarded-for': address },
    })
  const count = async () => {
    await drained(app)
    return smtp.to(user.email).length
  }
  const before = await count()
  await from('203.0.113.7')
  t.equal(await count(), before + 1)
  t.match(await lastTo(user.email), { text: /203\.0\.113\.7/ })
  await from('203.0.113.7')
  t.equal(await count(), before + 1, 'the place is known now')
  const body = { password: user.password, newPassword: 'xK4-tulip-row' }
  t.equal((await call(app, 'PUT /v1/users/me/password', { as: user, body })).status, 204)
  t.match(await lastTo(user.email), { subject: 'Your password was changed' })
})

t.test('with ACCOUNT_PAGE_URL a mail has a link to that page', async (t) => {
  const linking = await setUp(t, {
    MAIL_URL: smtp.url,
    MAIL_FROM: 'birdhouse@example.com',
    ACCOUNT_PAGE_URL: 'https://app.example/account',
  })
  await signUp(linking, 'Linked', { email: 'linked@example.com' })
  await drained(linking)
  const link = /https:\S+/.exec(smtp.to('linked@example.com')[0]?.text ?? '')?.[0] ?? ''
  t.match(link, /^https:\/\/app\.example\/account#purpose=verification&token=[\w-]{43}$/)
})
