import t from 'tap'
import { call, login, setUp, signUp } from '../helper.ts'

const app = await setUp(t)
let people = 0

const signUpWith = (password: string, more: object = {}) =>
  call(app, 'POST /v1/auth/sign-up', {
    body: { name: 'Wilhelmina', email: `kestrel${++people}@example.com`, password, ...more },
  })

const refusal = { status: 400, body: { errors: [{ path: '/body/password' }] } }

t.test('a common password, or one made of the own words, is refused', async (t) => {
  for (const password of ['password1', 'Password1', 'qwertyuiop', '12345678', 'iloveyou1'])
    t.match(await signUpWith(password), refusal, password)
  for (const password of ['birdhouse', 'Birdhouse2026', 'wilhelmina1', 'Kestrel@kestrel.com'])
    t.match(await signUpWith(password, { email: 'kestrel@kestrel.com' }), refusal, password)
  t.match(await signUpWith('falconer_9', { handle: 'falconer_9' }), refusal)
  for (const password of ['correct horse battery', 'xK4-tulip-row', 'wilhelmina rows north'])
    t.equal((await signUpWith(password)).status, 201, password)
})

t.test('a word of the account inside a longer one hides no weak password', async (t) => {
  const { status, body } = await call(app, 'POST /v1/auth/sign-up', {
    body: { name: 'Demo Bird', email: 'nest@example.com', password: 'birdhouse1' },
  })
  t.equal(status, 400)
  t.match(body.errors, [{ path: '/body/password' }])
})

t.test('a changed password ends all other sessions', async (t) => {
  const user = await signUp(app, 'Changes')
  const other = await login(user, app)
  const change = (body: object) => call(app, 'PUT /v1/users/me/password', { as: user, body })
  const newPassword = 'seven quiet lamps'
  t.match(await change({ password: 'not this one', newPassword }), {
    status: 403,
    body: { code: 'WRONG_PASSWORD' },
  })
  t.match(await change({ password: user.password, newPassword: 'password1' }), {
    status: 400,
    body: { errors: [{ path: '/body/newPassword' }] },
  })
  t.equal((await change({ password: user.password, newPassword })).status, 204)

  const me = (token: string) => call(app, 'GET /v1/users/me', { as: { token } })
  t.equal((await me(user.token)).status, 200, 'the session that changes the password stays')
  t.match(await me(other.accessToken), { status: 401, body: { code: 'SESSION_REVOKED' } })
  const { refreshToken } = other
  t.equal((await call(app, 'POST /v1/auth/refresh', { body: { refreshToken } })).status, 401)
  const { email } = user
  const signIn = (password: string) =>
    call(app, 'POST /v1/auth/login', { body: { email, password } })
  t.equal((await signIn(user.password)).status, 401)
  t.equal((await signIn(newPassword)).status, 200)
})

t.test('a login that checked the old password before the change opens no session', async (t) => {
  const { verify } = app.password
  for (const url of ['/v1/auth/login', '/login'] as const) {
    const user = await signUp(app, 'Waits')
    const body = { password: user.password, newPassword: 'seven quiet lamps' }
    let change: Promise<{ status: number }> | undefined
    app.password.verify = async (...args) => {
      app.password.verify = verify
      const right = await verify(...args)
      change = call(app, 'PUT /v1/users/me/password', { as: user, body })
      await change
      return right
    }
    const { email, password } = user
    const late = await app.inject({ method: 'POST', url, payload: { email, password } })
    t.equal((await change)?.status, 204)
    t.equal(late.statusCode, 401, url)
    const sessions = await call(app, 'GET /v1/auth/sessions', { as: user })
    t.equal(sessions.body.items.length, 1, 'only the session that changed the password')
  }
})

t.test(
  'a change of a password does not wait for attempts of others from the same address',
  async (t) => {
    const user = await signUp(app, 'Hurries')
    let others = 0
    const hashing = Array.from({ length: 40 }, (_, n) =>
      app.password
        .hash('correct horse battery', { address: '127.0.0.1', account: `other${n}` })
        .then(() => others++),
    )
    const body = { password: user.password, newPassword: 'seven quiet lamps' }
    const { status } = await call(app, 'PUT /v1/users/me/password', { as: user, body })
    t.equal(status, 204)
    t.ok(others < 30, `${others} of 40 came first`)
    await Promise.all(hashing)
  },
)
