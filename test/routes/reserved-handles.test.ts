import { eq } from 'drizzle-orm'
import t from 'tap'
import { call, setUp, signUp } from '../helper.ts'

const app = await setUp(t, { RESERVED_HANDLES: 'mayor, town_hall' })
let people = 0

const signUpAs = (more: object) =>
  call(app, 'POST /v1/auth/sign-up', {
    body: { email: `person${++people}@a.example`, password: 'correct horse battery', ...more },
  })

const refusal = { status: 400, body: { errors: [{ path: '/body/handle' }] } }

t.test('nobody takes a handle that is reserved, or that a setting adds', async (t) => {
  const user = await signUp(app, 'Changes')
  for (const handle of [
    'admin',
    'root',
    'support',
    '_admin_',
    'birdhouse',
    'mayor',
    'town_hall',
    'adm1n',
    'supp0rt',
    'adrnin',
  ]) {
    t.match(await signUpAs({ name: 'Ann', handle }), refusal, handle)
    t.match(await call(app, 'PATCH /v1/users/me', { as: user, body: { handle } }), refusal, handle)
  }
  t.equal((await signUpAs({ name: 'Ann', handle: 'admin_of_nests' })).status, 201)
})

t.test('the handle that follows from a name is never a reserved one', async (t) => {
  for (const name of ['Admin', 'Town Hall']) {
    const { status, body } = await signUpAs({ name })
    t.equal(status, 201)
    t.match(body.user.handle, /^(admin|town_hall)_\d+$/)
  }
})

t.test('an account keeps a handle that was reserved later', async (t) => {
  const early = await signUp(app, 'Early')
  const { users } = app.tables
  await app.db.update(users).set({ handle: 'moderator' }).where(eq(users.id, early.id))
  const body = { name: 'Early Bird', handle: 'moderator' }
  t.match(await call(app, 'PATCH /v1/users/me', { as: early, body }), {
    status: 200,
    body: { name: 'Early Bird', handle: 'moderator' },
  })
  const other = await signUp(app, 'Other')
  t.match(await call(app, 'PATCH /v1/users/me', { as: other, body }), refusal)
})
