import { URI } from 'otpauth'
import t from 'tap'
import { settings } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

const limits = { LIMIT_UPLOAD: 'account 1/min' }
const server = await spawnServer(t, { ...(await settings(t)), LOG_LEVEL: 'info', ...limits })
await server.ready()

type Line = {
  security?: string
  userId?: number
  emailDigest?: string
  code?: string
  isSecondFactor?: boolean
}

async function send(line: string, body?: object, token?: string) {
  const [method = '', path = ''] = line.split(' ')
  const answer = await fetch(server.url + path, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text ? JSON.parse(text) : undefined }
}

const events = () =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Line => JSON.parse(line))
    .filter(({ security }) => security !== undefined)

/** Waits for the event, which is written beside the answer. */
async function event(name: string, fields: Line) {
  const matches = (line: Line) =>
    line.security === name &&
    Object.entries(fields).every(([key, value]) => line[key as keyof Line] === value)
  while (!events().some(matches))
    await new Promise((resolve) => server.child.stdout?.once('data', resolve))
}

t.test('a sign-up through the flat API is logged as well', async () => {
  const account = { name: 'Flat', email: 'flat@example.com', password: 'test1234', profile: '' }
  const { body } = await send('POST /sign-up', account)
  await event('user_created', { userId: body.id })
})

t.test('each security event of an account is logged once, without its secrets', async (t) => {
  const email = 'Secret.Person@example.com'
  const [password, newPassword] = ['xK4-tulip-row', 'vP7-clover-hut']
  const { body } = await send('POST /v1/auth/sign-up', { name: 'Ann', email, password })
  const { accessToken: token, refreshToken, user } = body
  const { id: userId } = user
  await event('user_created', { userId })
  await send('POST /v1/auth/login', { email, password: 'a wrong password' })
  await event('authn_login_fail', { userId })
  await send('POST /v1/auth/login', { email: 'nobody@example.com', password })
  const second = (await send('POST /v1/auth/login', { email, password })).body
  await event('authn_login_success', { userId })
  await send('POST /v1/auth/logout', undefined, second.accessToken)
  await event('session_terminated', { userId })
  await send('PATCH /v1/users/me', { handle: 'new_handle' }, token)
  await event('user_updated', { userId })
  await send('PUT /v1/users/me/password', { password, newPassword }, token)
  await event('authn_password_change', { userId })
  t.equal((await send('DELETE /v1/users/me', { password }, token)).status, 403)
  await event('authz_fail', { userId, code: 'WRONG_PASSWORD' })
  for (const _ of [1, 2]) await send('POST /v1/media', {}, token)
  await event('excess_rate_limit_exceeded', { userId })
  t.equal((await send('DELETE /v1/users/me', { password: newPassword }, token)).status, 204)
  await event('user_deleted', { userId })

  const names = events().map(({ security }) => security)
  t.equal(names.filter((name) => name === 'authn_login_success').length, 1)
  const failed = events().filter(
    ({ security, emailDigest }) => security === 'authn_login_fail' && emailDigest,
  )
  t.equal(new Set(failed.map(({ emailDigest }) => emailDigest)).size, 2, 'one digest an address')
  for (const secret of [email, email.toLowerCase(), password, newPassword, token, refreshToken])
    t.notOk(server.output().includes(secret), 'no secret is in the log')
})

t.test('a wrong code after the right password is logged', async (t) => {
  const [email, password] = ['bea@example.com', 'xK4-tulip-row']
  const { body } = await send('POST /v1/auth/sign-up', { name: 'Bea', email, password })
  const { accessToken: token, user } = body
  const { url } = (await send('POST /v1/auth/second-factor', { password }, token)).body
  const code = URI.parse(url).generate()
  t.equal((await send('POST /v1/auth/second-factor/confirm', { code }, token)).status, 200)
  t.equal((await send('POST /v1/auth/login', { email, password, code })).status, 401, 'used before')
  await event('authn_login_fail', { userId: user.id, isSecondFactor: true })
})
