import { sql } from 'drizzle-orm'
import t from 'tap'
import { type App, call, drained, runJob, setUp, signUp, type User } from '../helper.ts'

const app = await setUp(t)
let people = 0

const signUpAs = (more: object) =>
  call(app, 'POST /v1/auth/sign-up', {
    body: { email: `rests${++people}@a.example`, password: 'correct horse battery', ...more },
  })
const setHandle = (as: User, handle: string) =>
  call(app, 'PATCH /v1/users/me', { as, body: { handle } })
const close = (app: App, as: User) =>
  call(app, 'DELETE /v1/users/me', { as, body: { password: as.password } })

/** As if 30 days had passed for these handles. */
const age = (handle: string) =>
  app.db.execute(
    sql`UPDATE resting_handles SET until = NOW(3) WHERE hash = UNHEX(SHA2(${handle}, 256))`,
  )

const TAKEN = { status: 409, body: { code: 'HANDLE_TAKEN' } }

t.test(
  'the handle of a deleted account rests for 30 days, then nothing is left of it',
  async (t) => {
    const ann = await signUp(app, 'Ann', { handle: 'ann_of_old' })
    const ben = await signUp(app, 'Ben')
    await close(app, ann)
    t.match(await signUpAs({ name: 'Not Ann', handle: 'ann_of_old' }), TAKEN)
    t.match(await setHandle(ben, 'ann_of_old'), TAKEN)
    await drained(app)
    t.match(
      await signUpAs({ name: 'Not Ann', handle: 'ann_of_old' }),
      TAKEN,
      'after the erasure too',
    )
    t.match((await signUpAs({ name: 'Ann of old' })).body.user.handle, /^ann_of_old_\d+$/)

    await age('ann_of_old')
    await runJob(app, 'users.purgeHandles', {})
    const [rows] = await app.db.execute(sql`SELECT * FROM resting_handles`)
    t.strictSame(rows, [])
    t.match(await signUpAs({ name: 'Ann', handle: 'ann_of_old' }), { status: 201 })
  },
)

t.test('a changed handle rests for others, and its owner may take it again', async (t) => {
  const cho = await signUp(app, 'Cho', { handle: 'cho_first' })
  t.match(await setHandle(cho, 'cho_second'), { status: 200 })
  t.match(await signUpAs({ name: 'Not Cho', handle: 'cho_first' }), TAKEN)
  t.match(await setHandle(cho, 'cho_first'), { status: 200 })
  t.match(await signUpAs({ name: 'Not Cho', handle: 'cho_second' }), TAKEN)
  await close(app, cho)
  t.match(await signUpAs({ name: 'Not Cho', handle: 'cho_first' }), TAKEN)
})

t.test('an account rests three handles at most', async (t) => {
  const dora = await signUp(app, 'Dora', { handle: 'dora_0' })
  for (let i = 1; i <= 4; i++) t.match(await setHandle(dora, `dora_${i}`), { status: 200 })
  t.match(await signUpAs({ name: 'Free', handle: 'dora_0' }), { status: 201 })
  t.match(await signUpAs({ name: 'Rests', handle: 'dora_1' }), TAKEN)
})

t.test('a sign-up during a deletion does not get the handle', async (t) => {
  const eve = await signUp(app, 'Eve', { handle: 'eve_races' })
  const [, ...others] = await Promise.all([
    close(app, eve),
    ...[1, 2, 3].map(() => signUpAs({ name: 'Races', handle: 'eve_races' })),
  ])
  for (const other of others) t.match(other, TAKEN)
})
