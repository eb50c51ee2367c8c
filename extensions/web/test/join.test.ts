import { randomBytes } from 'node:crypto'
import { call, setUp } from 'birdhouse/testing'
import t from 'tap'
import { openBrowser } from './browser.ts'

const app = await setUp(t)
const PASSWORD = 'kingfishers at dawn 7'
const email = () => `${randomBytes(6).toString('hex')}@example.com`

async function join(fields: Record<string, string>, on = app) {
  const browser = openBrowser(on)
  await browser.get('/join')
  return { browser, ...(await browser.post('/join', fields)) }
}

t.test('a person signs up on the page, is signed in, and can log in', async (t) => {
  const fields = { name: '지우', email: email(), password: PASSWORD, handle: 'jiwoo_here' }
  const { browser, status, body } = await join(fields)
  t.equal(status, 201)
  t.match((await browser.get('/')).body, 'Sign out')
  t.match(body, '<a href="/@jiwoo_here">@jiwoo_here</a>')
  const login = { email: fields.email, password: PASSWORD }
  t.equal((await call(app, 'POST /v1/auth/login', { body: login })).status, 200)
})

t.test('fields that stay empty are left out', async (t) => {
  const { status } = await join({ name: 'Ada', email: email(), password: PASSWORD, handle: '' })
  t.equal(status, 201)
})

t.test('a wrong form comes back with the reason and without the password', async (t) => {
  const taken = email()
  await join({ name: 'Ada', email: taken, password: PASSWORD })
  for (const [fields, status, reason] of [
    [{ email: taken }, 409, /Another account uses this e-mail address/],
    [{ email: email(), token: 'x'.repeat(43) }, 403, /form is too old/],
    [{ email: 'nobody' }, 400, /The e-mail address must be an e-mail address/],
    [{ email: email(), password: 'short' }, 400, /The password must/],
    [{ email: email(), password: 'password1' }, 400, /The password is a common/],
    [{ email: email(), name: '' }, 400, /The name is missing/],
    [{ email: email(), extra: 'x' }, 400, /extra is not a field/],
  ] as const) {
    const sent = { name: 'A "quoted" name', password: PASSWORD, ...fields }
    const { body, ...answer } = await join(sent)
    t.equal(answer.status, status, JSON.stringify(fields))
    t.match(body, reason)
    t.match(body, 'role="alert"')
    t.notMatch(body, sent.password)
    if (sent.name) t.match(body, 'value="A &#34;quoted&#34; name"')
  }
  t.equal((await join({})).status, 400)
})

t.test('a body that is no form is refused', async (t) => {
  const bytes = Buffer.from('name=%ff&email=\xff', 'latin1')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal(
    (await app.inject({ method: 'POST', url: '/join', headers, payload: bytes })).statusCode,
    400,
  )
  const text = { 'content-type': 'text/plain' }
  t.equal(
    (await app.inject({ method: 'POST', url: '/join', headers: text, payload: 'x' })).statusCode,
    415,
  )
})

t.test('the form follows the settings of sign-ups', async (t) => {
  const invited = await setUp(t, {
    SIGN_UP: 'invited',
    TERMS_VERSION: '2026-01',
    TERMS_URL: 'https://birds.example/terms',
  })
  const { body } = await call(invited, 'GET /join')
  t.match(body, 'name="invitation"')
  t.match(
    body,
    /name="acceptedTerms" value="2026-01" required> I accept the <a href="https:\/\/birds/,
  )
  const fields = { name: 'Ada', email: email(), password: PASSWORD }
  t.match(await join(fields, invited), { status: 403, body: /role="alert"/ })
})
