import t from 'tap'
import { call, drained, read, setUp, signUp, type User } from '../../helper.ts'

const app = await setUp(t)
const [mod, mod2] = (await Promise.all([signUp(app), signUp(app)])) as [User, User]
for (const { id } of [mod, mod2]) await app.moderation.setRole(id, 'moderator')

const act = (name: 'warn' | 'limit' | 'suspend', { id: userId }: User) =>
  app.moderation.actOn(name, { userId, reason: 'Advertising', actorId: mod.id })
const appeal = ({ email, password }: User, text = 'I am sorry') =>
  call(app, 'POST /v1/moderation/appeals', { body: { email, password, text } })
const answer = (id: number, outcome: string, as = mod) =>
  call(app, `POST /v1/admin/appeals/${id}/answer`, { as, body: { outcome, answer: 'We looked' } })
const open = async (account: User) =>
  (await read(app, '/v1/admin/appeals?limit=100', mod)).items.filter(
    (item: { account: User }) => item.account.id === account.id,
  )
const login = ({ email, password }: User) =>
  call(app, 'POST /v1/auth/login', { body: { email, password } })

t.test('a suspended person appeals once with the password, and a moderator restores', async (t) => {
  const person = await signUp(app)
  t.match(await appeal(person), { status: 409, body: { code: 'NOT_SUSPENDED' } })
  const actId = await act('suspend', person)
  t.equal((await appeal({ ...person, password: 'another password' })).status, 401)
  t.equal((await appeal({ ...person, email: 'nobody@example.com' })).status, 401)
  t.equal((await appeal(person, ' ')).status, 400)
  const answers = await Promise.all([appeal(person), appeal(person)])
  t.strictSame(answers.map(({ status }) => status).sort(), [204, 409])
  t.match(await appeal(person), { status: 409, body: { code: 'APPEALED_ALREADY' } })

  const [item] = await open(person)
  t.match(item, { act: { id: actId, act: 'suspend' }, text: 'I am sorry', outcome: null })
  const both = await Promise.all([mod, mod2].map((as) => answer(item.id, 'granted', as)))
  t.strictSame(both.map(({ status }) => status).sort(), [204, 409])
  t.match(both.find(({ status }) => status === 409)?.body, { code: 'APPEAL_ANSWERED' })
  t.equal((await login(person)).status, 200)
  t.strictSame(await open(person), [])
})

t.test(
  'a denied appeal changes nothing, and a later suspension can be appealed again',
  async (t) => {
    const person = await signUp(app)
    await act('suspend', person)
    await appeal(person)
    const [item] = await open(person)
    t.equal((await answer(item.id, 'denied')).status, 204)
    t.equal((await login(person)).status, 403)
    t.equal((await appeal(person)).status, 409)
    await app.moderation.actOn('restore', { userId: person.id, reason: 'Later' })
    await act('suspend', person)
    t.equal((await appeal(person)).status, 204)
  },
)

t.test('a person sees the acts and appeals them, but no act of others', async (t) => {
  const [person, other] = [await signUp(app), await signUp(app)]
  const actId = await act('limit', person)
  const line = `POST /v1/moderation/acts/${actId}/appeal`
  const body = { text: 'I did nothing' }
  t.match(await call(app, line, { as: other, body }), { status: 404 })
  t.equal((await call(app, line, { as: person, body })).status, 204)
  t.match(await call(app, line, { as: person, body }), { status: 409 })
  const [item] = await open(person)
  await answer(item.id, 'granted')
  await drained(app)
  const { items } = await read(app, '/v1/moderation/acts', person)
  t.match(items, [
    { act: 'grant-appeal', appeal: null },
    { act: 'limit', reason: 'Advertising', appeal: { outcome: 'granted', answer: 'We looked' } },
  ])
  const grant = await call(app, `POST /v1/moderation/acts/${items[0].id}/appeal`, {
    as: person,
    body,
  })
  t.equal(grant.status, 404, 'an answer cannot be appealed')
  t.match(await call(app, `GET /v1/admin/users/${person.id}`, { as: mod }), {
    body: { state: 'active' },
  })
  const told = await read(app, '/v1/notifications', person)
  t.same(
    told.items.map(({ subjectId }: { subjectId: number }) => subjectId),
    items.map(({ id }: { id: number }) => id),
  )
})

t.test('moderators do not answer their own appeals', async (t) => {
  const actId = await app.moderation.actOn('warn', { userId: mod.id, reason: 'Too strict' })
  await call(app, `POST /v1/moderation/acts/${actId}/appeal`, { as: mod, body: { text: 'No' } })
  const [item] = await open(mod)
  t.match(await answer(item.id, 'granted'), { status: 403, body: { code: 'NOT_ON_YOURSELF' } })
  t.equal((await answer(item.id, 'denied', mod2)).status, 204)
  t.equal((await answer(999_999, 'denied')).status, 404)
})

t.test('an appeal of an earlier suspension does not end a later one', async (t) => {
  const person = await signUp(app)
  await act('suspend', person)
  await appeal(person)
  const [item] = await open(person)
  await app.moderation.actOn('restore', { userId: person.id, reason: 'Time is over' })
  await act('suspend', person)
  t.equal((await answer(item.id, 'granted')).status, 204)
  t.equal((await login(person)).status, 403)
})
