import { eq } from 'drizzle-orm'
import t from 'tap'
import { call, drained, setUp, signUp, type User } from '../../helper.ts'

const app = await setUp(t)
const { moderation } = app

const setRole = (as: User, { id }: User, role: string, reason = 'We need help') =>
  call(app, `PUT /v1/admin/users/${id}/role`, { as, body: { role, reason } })

async function admin() {
  const one = await signUp(app)
  await moderation.setRole(one.id, 'admin')
  return one
}

t.test('a role is needed, and ends at once when it is taken away', async (t) => {
  const [boss, other] = [await admin(), await signUp(app)]
  const refused = await call(app, 'GET /v1/admin/acts', { as: other })
  t.match(refused, { status: 403, body: { code: 'ROLE_REQUIRED', detail: /the role admin/ } })
  t.equal((await call(app, 'GET /v1/admin/acts')).status, 401)

  t.equal((await setRole(boss, other, 'admin', '가'.repeat(1001))).status, 400)
  t.equal((await setRole(boss, other, 'admin')).status, 204)
  t.equal((await call(app, 'GET /v1/admin/acts', { as: other })).status, 200)
  t.match(await setRole(boss, other, 'admin'), { status: 409, body: { code: 'SAME_ROLE' } })
  t.equal((await setRole(boss, other, 'moderator')).status, 204)
  t.equal((await call(app, 'GET /v1/admin/acts', { as: other })).status, 403)
})

t.test('nobody changes the own role, and one administrator always stays', async (t) => {
  const { users } = app.tables
  await app.db.update(users).set({ role: 'user' }).where(eq(users.role, 'admin'))
  const [one, two] = [await admin(), await admin()]
  t.match(await setRole(one, one, 'user'), { status: 403, body: { code: 'NOT_ON_YOURSELF' } })
  const answers = await Promise.all([setRole(one, two, 'user'), setRole(two, one, 'user')])
  const statuses = answers.map(({ status }) => status).sort()
  t.equal(statuses[0], 204)
  t.ok([403, 409].includes(statuses[1] ?? 0), 'the other change is refused')
  const admins = await app.db.select().from(users).where(eq(users.role, 'admin'))
  t.equal(admins.length, 1)

  const last = [one, two].find(({ id }) => id === admins[0]?.id) as User
  await t.rejects(moderation.setRole(last.id, 'user'), { code: 'LAST_ADMIN', statusCode: 409 })
  const body = { password: last.password }
  t.match(await call(app, 'DELETE /v1/users/me', { as: last, body }), {
    status: 409,
    body: { code: 'LAST_ADMIN' },
  })
})

t.test(
  'the audit log is paged, filtered, and outlives the accounts without their data',
  async (t) => {
    const [boss, person] = [await admin(), await signUp(app)]
    const acts = async (query = '') =>
      (await call(app, `GET /v1/admin/acts?accountId=${person.id}${query}`, { as: boss })).body
    await setRole(boss, person, 'moderator', 'Hong knows the rules')
    await setRole(boss, person, 'user', 'Hong has left')
    const first = await acts('&limit=1')
    t.match(first.items, [
      {
        act: 'role-user',
        actor: { id: boss.id, handle: boss.handle },
        account: { id: person.id, handle: person.handle },
        target: { kind: 'account', id: person.id },
        reason: 'Hong has left',
      },
    ])
    t.match((await acts(`&cursor=${first.nextCursor}`)).items, [{ act: 'role-moderator' }])
    t.equal((await acts('&act=role-user')).items.length, 1)

    const body = { password: person.password }
    t.equal((await call(app, 'DELETE /v1/users/me', { as: person, body })).status, 204)
    await drained(app)
    const erased = await acts()
    t.match(erased.items, [
      { act: 'role-user', reason: null, account: { id: person.id, handle: null } },
      { act: 'role-moderator', reason: null },
    ])
    t.notOk(JSON.stringify(erased).includes(person.handle))
  },
)
