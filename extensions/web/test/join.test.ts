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

const unescaped = (html: string) =>
  html.replaceAll(/&#(\d+);/g, (_all, code) => String.fromCharCode(code))
const hrefs = (html: string) =>
  [...html.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => unescaped(href))

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

t.test('a person whom an app sent signs up, and comes to the request of the app', async (t) => {
  const redirect_uri = 'https://app.example/back'
  const registered = await call(app, 'POST /api/v1/apps', {
    body: { client_name: '새 앱', redirect_uris: redirect_uri },
  })
  const { client_id } = registered.body
  const asked = { client_id, redirect_uri, response_type: 'code', state: 'a&b c' }
  const browser = openBrowser(app)
  const { to = '' } = await browser.get(`/oauth/authorize?${new URLSearchParams(asked)}`)
  const links = hrefs((await browser.get(to)).body).filter((each) => each.startsWith('/join'))
  t.equal(links.length, 2, 'at the top and below the form')
  for (const link of links) {
    const { body } = await browser.get(link)
    t.match(body, '새 앱 asks to use your account. Sign up to see what it asks for.')
    const [, back = ''] = /name="return_to" value="([^"]+)"/.exec(body) ?? []
    const fields = { name: 'Ada', password: PASSWORD, return_to: unescaped(back) }
    const wrong = await browser.post('/join', { ...fields, email: 'nobody' })
    t.match(wrong.body, `name="return_to" value="${back}"`, 'also after a mistake')
    t.ok(hrefs(wrong.body).includes(to), 'the link of signing in leads there as well')
    const joined = await browser.post('/join', { ...fields, email: email() })
    t.equal(joined.status, 303)
    t.match((await browser.get(joined.to ?? '')).body, 'Allow this app?')
  }
})

t.test('no page leads away from this server after a sign-up', async (t) => {
  for (const away of [
    'https://evil.example/',
    'https:evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/.//evil.example',
    '\u0000//evil.example',
    'javascript:alert(1)',
  ]) {
    const fields = { name: 'Ada', password: PASSWORD, email: email(), return_to: away }
    t.match(await join(fields), { status: 201, body: '<h1>Welcome' }, JSON.stringify(away))
    const { body } = await call(app, `GET /join?${new URLSearchParams({ return_to: away })}`)
    t.match(body, 'name="return_to" value="/"')
  }
  const split = { name: 'Ada', password: PASSWORD, email: email(), return_to: '/latest\r\nX-A: b' }
  t.equal((await join(split)).to, '/latestX-A:%20b')
  const long = {
    name: 'Ada',
    password: PASSWORD,
    email: email(),
    return_to: `/${'x'.repeat(8000)}`,
  }
  t.equal((await join(long)).status, 400)
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
