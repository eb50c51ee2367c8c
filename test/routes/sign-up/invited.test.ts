import { sql } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../../app.ts'
import { call, settings } from '../../helper.ts'

const env = { ...(await settings(t)), SIGN_UP: 'invited' }
const [app, other] = await Promise.all([build(env), build(env)])
t.teardown(() => Promise.all([app.close(), other.close()]))
const password = 'correct horse battery'
let people = 0

const ask = (invitation?: string, on = app) => {
  const body = { name: 'Hong', email: `guest${++people}@example.com`, password, invitation }
  return call(on, 'POST /v1/auth/sign-up', { body })
}
const first = await app.signUp.invite({ uses: 1, days: 7 })
const { user, accessToken: token } = (await ask(first.code)).body
await app.moderation.setRole(user.id, 'moderator')
const as = { token }
const invite = async (body: object) =>
  (await call(app, 'POST /v1/admin/invitations', { as, body })).body

t.test('a sign-up needs an invitation', async (t) => {
  t.match(await ask(), { status: 403, body: { code: 'INVITATION_REQUIRED' } })
  const wrong = 'A'.repeat(22)
  t.match(await ask(wrong), { status: 403, body: { code: 'INVALID_INVITATION' } })
  t.match(await ask(first.code), { status: 403, body: { code: 'INVALID_INVITATION' } }, 'used up')
  const { code } = await invite({})
  t.equal((await ask(code)).status, 201)
})

t.test('the flat sign-up needs an invitation as well', async (t) => {
  const body = { name: '홍', email: 'flat@example.com', password, profile: 'hi' }
  t.match(await call(app, 'POST /sign-up', { body }), { status: 403, body: /needs an invitation/ })
  const { code: invitation } = await invite({})
  t.equal((await call(app, 'POST /sign-up', { body: { ...body, invitation } })).status, 200)
})

t.test('of many sign-ups at once, an invitation serves as many as it has uses', async (t) => {
  const { id, code } = await invite({ uses: 2 })
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => ask(code, n % 2 ? app : other)))
  const statuses = answers.map(({ status }) => status).sort()
  t.same(statuses, [201, 201, 403, 403, 403, 403])
  const { items } = (await call(app, 'GET /v1/admin/invitations', { as })).body
  const made = items.find((item: { id: number }) => item.id === id)
  const ids = answers.flatMap(({ body }) => (body.user ? [body.user.id] : [])).sort()
  t.match(made, { uses: 2, usesLeft: 0, authorId: user.id })
  t.same(made.accounts.map((account: { id: number }) => account.id).sort(), ids)
})

t.test('a sign-up that fails takes no use', async (t) => {
  const { code } = await invite({})
  const taken = { name: 'Hong', email: user.email, password, invitation: code }
  t.equal((await call(app, 'POST /v1/auth/sign-up', { body: taken })).status, 409)
  t.equal((await ask(code)).status, 201)
})

t.test('an invitation ends when it expires or is revoked', async (t) => {
  const [late, revoked] = [await invite({ uses: 5 }), await invite({ uses: 5 })]
  await app.db.execute(
    sql`UPDATE invitations SET expires_at = NOW(3) - INTERVAL 1 SECOND WHERE id = ${late.id}`,
  )
  t.equal((await ask(late.code)).status, 403)
  const revoke = () => call(app, `DELETE /v1/admin/invitations/${revoked.id}`, { as })
  t.equal((await ask(revoked.code)).status, 201)
  t.equal((await revoke()).status, 204)
  t.equal((await revoke()).status, 404)
  t.equal((await ask(revoked.code, other)).status, 403)
  const acts = (await app.moderation.acts({ act: 'revoke-invitation' }, { limit: 9 })).items
  t.match(acts, [{ actor: { id: user.id }, target: { kind: 'invitation', id: revoked.id } }])
})

t.test('the database and lists have no code', async (t) => {
  const { code } = await invite({})
  const rows = await app.db.select().from(app.tables.invitations)
  t.notOk(JSON.stringify(rows).includes(code))
  const list = await call(app, 'GET /v1/admin/invitations', { as })
  t.notOk(JSON.stringify(list.body).includes(code))
})
