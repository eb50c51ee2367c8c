import t from 'tap'
import { call, setUp, signUp } from './helper.ts'
import { operationsOf } from './undocumented.ts'

// Each operation is called as each kind of viewer. The operations come from the OpenAPI document, so a new
// operation that asks for no access token fails here until it is listed.

/** Operations that ask for no access token. */
const PUBLIC = [
  'GET /.well-known/security.txt',
  'GET /livez',
  'GET /ping',
  'GET /profile-picture/local/{user_id}',
  'GET /profile-picture/s3/{user_id}',
  'GET /readyz',
  'GET /v1/users/{id}/avatar',
  'GET /v1/users/{id}/header',
  'POST /login',
  'POST /sign-up',
  'POST /v1/auth/email-change/confirm',
  'POST /v1/auth/email-verification/confirm',
  'POST /v1/auth/login',
  'POST /v1/auth/passkey-options',
  'POST /v1/auth/password-reset',
  'POST /v1/auth/password-reset/confirm',
  'POST /v1/auth/refresh',
  'POST /v1/auth/sign-up',
  'POST /v1/moderation/appeals',
]
/** Operations of `/v1/admin` that moderators may not call. */
const ADMINS_ONLY = ['GET /v1/admin/acts', 'PUT /v1/admin/users/{id}/role']

const app = await setUp(t)
const operations = operationsOf(app).map(({ route, security = [] }) => ({
  route,
  line: route.replaceAll(/\{\w+\}/g, '1'),
  access: security.length === 0 ? 'anyone' : security.some(isEmpty) ? 'optional' : 'required',
}))
const isStaffs = ({ route }: { route: string }) => route.includes(' /v1/admin/')

function isEmpty(requirement: object) {
  return Object.keys(requirement).length === 0
}

const boss = await signUp(app, 'Boss')
await app.moderation.setRole(boss.id, 'admin')
const helper = await signUp(app, 'Helper')
await app.moderation.setRole(helper.id, 'moderator')
const user = await signUp(app, 'User')

/** Tokens that give access to nothing. */
async function uselessTokens() {
  const [left, gone, suspended] = [await signUp(app), await signUp(app), await signUp(app)]
  await call(app, 'POST /v1/auth/logout', { as: left })
  await call(app, 'DELETE /v1/users/me', { as: gone, body: { password: gone.password } })
  const body = { reason: 'Advertising' }
  await call(app, `POST /v1/admin/users/${suspended.id}/suspend`, { as: boss, body })
  const session = { sub: String(user.id), sid: 1 }
  return {
    'an expired token': app.jwt.sign(session, { expiresIn: '-1s' } as object),
    'a refresh token': user.refreshToken,
    'the token of an ended session': left.token,
    'the token of a deleted account': gone.token,
    'the token of a suspended account': suspended.token,
  }
}

t.test('the operations without an access token are listed', async (t) => {
  const open = operations.filter(({ access }) => access === 'anyone').map(({ route }) => route)
  t.strictSame(open.sort(), PUBLIC)
})

t.test('without an access token only public operations and readings answer', async (t) => {
  for (const { route, line, access } of operations) {
    if (access === 'required') t.equal((await call(app, line)).status, 401, route)
    if (access === 'optional') t.not((await call(app, line)).status, 401, route)
  }
})

t.test(
  'a token of an ended session, an account that is gone or another kind is refused',
  async (t) => {
    for (const [kind, token] of Object.entries(await uselessTokens()))
      for (const { route, line, access } of operations) {
        if (access === 'anyone') continue
        const { status } = await call(app, line, { as: { token } })
        t.equal(status, 401, `${route} with ${kind}`)
      }
  },
)

t.test('operations for moderators and administrators refuse everyone else', async (t) => {
  const staffs = operations.filter(isStaffs)
  t.ok(staffs.length > 10)
  const adminsOnly = []
  for (const { route, line } of staffs) {
    t.equal((await call(app, line, { as: user })).status, 403, `${route} as a user`)
    if ((await call(app, line, { as: helper })).status === 403) adminsOnly.push(route)
    t.not((await call(app, line, { as: boss })).status, 401, `${route} as an administrator`)
  }
  t.strictSame(adminsOnly.sort(), ADMINS_ONLY)
})
