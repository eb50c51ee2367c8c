import t from 'tap'
import { call, settings, setUp, signUp } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

const env = { ...(await settings(t)), LOG_LEVEL: 'error' }
const app = await setUp(t, { ...env, LOG_LEVEL: 'silent' })
const admin = (line: string) => birdhouse(`admin ${line}`, { env })

t.test('the first administrator is created, and gives roles', async (t) => {
  const created = await admin('create-admin boss@example.com --json')
  t.match(created, { code: 0, errors: '' })
  const { email, password } = JSON.parse(created.out)
  const login = await call(app, 'POST /v1/auth/login', { body: { email, password } })
  t.equal(login.status, 200)
  const as = { token: login.body.accessToken }
  t.equal((await call(app, 'GET /v1/admin/acts', { as })).status, 200)

  const person = await signUp(app)
  const [given, again, unknown, last] = await Promise.all([
    admin(`set-role ${person.email} moderator`),
    admin('create-admin boss@example.com'),
    admin('set-role @nobody_here admin'),
    admin('set-role boss@example.com user'),
  ])
  t.match(given, { code: 0, errors: '', out: `@${person.handle} has the role moderator.` })
  t.match(again, { code: 1, out: '', errors: /Another account uses this e-mail address/ })
  t.match(unknown, { code: 1, out: '', errors: /^No account has .* @nobody_here\.$/ })
  t.match(last, { code: 1, out: '', errors: /only administrator/ })

  const audit = await admin(`audit --account ${person.id}`)
  t.match(audit, { code: 0, errors: '' })
  t.match(audit.out, /^ID +WHEN +ACT +BY +TARGET +ACCOUNT +REASON\n\d+ .*role-moderator +operator/)
})

t.test('accounts are suspended and restored, reports closed and passwords replaced', async (t) => {
  const [person, other] = [await signUp(app), await signUp(app)]
  const body = { kind: 'account', id: person.id, category: 'spam', text: 'Look at the replies' }
  const { id } = (await call(app, 'POST /v1/reports', { as: other, body })).body
  const reports = await admin('reports')
  t.match(reports, { code: 0, errors: '', out: /^ID +WHEN +CATEGORY[\s\S]*Look at the replies/ })

  const limited = await admin(`limit @${person.handle} --reason Advertising`)
  t.match(limited, { code: 0, out: `@${person.handle} is limited.` })
  const [again, missing, none] = await Promise.all([
    admin(`limit ${person.id} --reason Advertising`),
    admin(`suspend ${person.id}`),
    admin('close-report 999999 none --reason Nothing'),
  ])
  t.match(again, { code: 1, out: '', errors: /^The account is limited already/ })
  t.match(missing, { code: 2, out: '', errors: /--reason/ })
  t.match(none, { code: 1, errors: 'There is no report with this id.' })

  const closed = await admin(`close-report ${id} suspend --reason Advertising --json`)
  t.match(JSON.parse(closed.out), { id, act: 'suspend' })
  const { email, password, token } = person
  const login = (password: string) =>
    call(app, 'POST /v1/auth/login', { body: { email, password } })
  t.equal((await call(app, 'GET /v1/users/me', { as: { token } })).status, 401)
  t.equal((await login(password)).status, 403)
  const text = 'I am sorry'
  await call(app, 'POST /v1/moderation/appeals', { body: { email, password, text } })
  const appeals = await admin('appeals --json')
  const [appeal] = JSON.parse(appeals.out).items
  t.match(await admin(`answer-appeal ${appeal.id} granted --answer Sorry`), { code: 0 })
  t.equal((await login(password)).status, 200)

  const reset = JSON.parse((await admin(`reset-password ${email} --json`)).out)
  t.equal((await login(password)).status, 401)
  t.equal((await login(reset.password)).status, 200)
})
