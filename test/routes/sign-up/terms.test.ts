import t from 'tap'
import { build } from '../../../app.ts'
import { call, settings, signUp } from '../../helper.ts'

const env = await settings(t)
const TERMS = { TERMS_VERSION: '2026-01', TERMS_URL: 'https://birds.example/terms' }
const password = 'correct horse battery'

t.test('without the setting nobody is asked', async (t) => {
  const app = await build(env)
  const as = await signUp(app)
  t.notOk('terms' in (await call(app, 'GET /v1/users/me', { as })).body)
  const answer = await call(app, 'POST /v1/users/me/terms', { as, body: { version: '2026-01' } })
  t.match(answer, { status: 404, body: { code: 'NO_TERMS' } })
  await app.close()
})

t.test('both sign-ups need the version, and a newer one is shown until accepted', async (t) => {
  const app = await build({ ...env, ...TERMS })
  const account = { name: 'Hong', email: 'hong@example.com', password, profile: '' }
  for (const line of ['POST /v1/auth/sign-up', 'POST /sign-up'])
    for (const acceptedTerms of [undefined, '2025-01']) {
      const { status, body } = await call(app, line, { body: { ...account, acceptedTerms } })
      t.equal(status, 403, line)
      t.match(body.detail ?? body, /https:\/\/birds\.example\/terms.*2026-01/)
    }
  const user = await signUp(app, 'Hong', { acceptedTerms: '2026-01' })
  const shown = { version: '2026-01', url: 'https://birds.example/terms', accepted: true }
  t.match(await call(app, 'GET /v1/users/me', { as: user }), { body: { terms: shown } })
  const flat = { ...account, acceptedTerms: '2026-01' }
  t.equal((await call(app, 'POST /sign-up', { body: flat })).status, 200)
  await app.close()

  const later = await build({ ...env, ...TERMS, TERMS_VERSION: '2026-02' })
  t.teardown(() => later.close())
  const accept = (version: string) =>
    call(later, 'POST /v1/users/me/terms', { as: user, body: { version } })
  const own = async () => (await call(later, 'GET /v1/users/me', { as: user })).body.terms
  t.match(await own(), { version: '2026-02', accepted: false })
  t.match(await accept('2026-01'), { status: 409, body: { code: 'OTHER_TERMS' } })
  const answers = await Promise.all([accept('2026-02'), accept('2026-02')])
  t.strictSame(
    answers.map(({ status }) => status),
    [204, 204],
  )
  t.match(await own(), { version: '2026-02', accepted: true })
  const rows = await later.db.select().from(later.tables.acceptedTerms)
  const times = rows
    .filter(({ userId }) => userId === user.id)
    .map((row) => [row.version, row.acceptedAt])
  t.match(times, [
    ['2026-01', Date],
    ['2026-02', Date],
  ])
})
