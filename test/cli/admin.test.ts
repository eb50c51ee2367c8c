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
