import { call, drained, setUp, signUp, startSmtp, tokenIn } from 'birdhouse/testing'
import { URI } from 'otpauth'
import sharp from 'sharp'
import t from 'tap'
import { openBrowser } from './browser.ts'

const smtp = await startSmtp(t)
const app = await setUp(t, { MAIL_URL: smtp.url, MAIL_FROM: 'birdhouse@example.com' })
const ada = await signUp(app, 'Ada')
const browser = openBrowser(app)
await browser.signIn(ada)
const NEW_PASSWORD = 'herons at noon 41'
const ownAccount = async () => (await call(app, 'GET /v1/users/me', { as: ada })).body
const onceIn = (html: string) => /name="once" value="([\w-]{43})"/.exec(html)?.[1] ?? ''

/** Opens a page, and sends one of its forms twice at the same time. */
async function sendTwice(page: string, action: string, fields: Record<string, string>) {
  const once = onceIn((await browser.get(page)).body)
  const send = () => browser.post(action, { once, ...fields })
  return Promise.all([send(), send()])
}

t.test('the profile is changed, with pictures, and mistakes come back', async (t) => {
  const page = '/settings/profile'
  t.match((await browser.get(page)).body, 'value="Ada"')
  const fields = { name: '에이다 <b>', handle: ada.handle, profile: 'line one\r\nline two' }
  const picture = new Uint8Array(
    await sharp({ create: { width: 60, height: 60, channels: 3, background: 'teal' } })
      .png()
      .toBuffer(),
  )
  const saved = await browser.postForm(page, fields, picture, 'avatar')
  t.match(saved, { status: 303, to: `${page}?done=yes` })
  t.match((await browser.get(saved.to ?? '')).body, /role="status">Done/)
  t.match(await ownAccount(), { name: '에이다 <b>', profile: 'line one\nline two', avatar: Object })

  const wrong = await browser.postForm(page, { ...fields, name: ' ', profile: 'kept' })
  t.match(wrong, { status: 400, body: /role="alert">The name must.*kept<\/textarea>/s })
  const taken = await browser.postForm(page, { ...fields, handle: 'admin' })
  t.match(taken, { status: 400, body: /role="alert">The handle is reserved/ })
  t.equal((await browser.postForm(page, { ...fields, noAvatar: 'true', profile: '' })).status, 303)
  t.match(await ownAccount(), { avatar: null, profile: '' })
})

t.test('a password that is changed by a double click is changed once', async (t) => {
  const wrong = await browser.get('/settings/password')
  t.notMatch(wrong.body, 'name="code"')
  t.match(
    await browser.post('/settings/password', { password: 'wrong', newPassword: NEW_PASSWORD }),
    { status: 403, body: /role="alert">The password is wrong/ },
  )
  const weak = { password: ada.password, newPassword: 'password1' }
  t.match(await browser.post('/settings/password', weak), { status: 400, body: /is a common/ })
  const change = { password: ada.password, newPassword: NEW_PASSWORD }
  for (const { status, to } of await sendTwice('/settings/password', '/settings/password', change))
    t.match({ status, to }, { status: 303, to: '/settings/password?done=yes' })
  const login = { email: ada.email, password: NEW_PASSWORD }
  const { body } = await call(app, 'POST /v1/auth/login', { body: login })
  ada.token = body.accessToken
  t.match((await browser.get('/settings')).body, 'Sign out', 'this session stays')
})

t.test('sessions are listed with their devices, and ended', async (t) => {
  const phone = openBrowser(app)
  const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1'
  await phone.get('/sign-in')
  const proof = { email: ada.email, password: NEW_PASSWORD }
  await phone.post('/sign-in', proof, { 'user-agent': iPhone })
  const { body } = await browser.get('/settings/sessions')
  t.match(body, /Safari on iPhone.*This browser/s)
  const [, action = ''] = /action="(\/settings\/sessions\/\d+\/end)"/.exec(body) ?? []
  t.equal((await browser.post(action)).status, 303)
  t.match((await browser.post(action)).body, /role="alert"/, 'it has ended before')
  t.notMatch((await phone.get('/')).body, 'Sign out')
  t.equal((await browser.post('/settings/sessions/end-others')).status, 303)
  t.equal((await call(app, 'GET /v1/auth/sessions', { as: ada })).status, 401)
  t.match((await browser.get('/')).body, 'Sign out')
})

t.test('another address is confirmed with the token of its mail', async (t) => {
  const page = '/settings/email'
  t.match((await browser.get(page)).body, 'you have not confirmed it yet')
  t.match(await browser.post(`${page}/confirm`, { mailToken: 'x'.repeat(43) }), {
    status: 400,
    body: /role="alert">This token is wrong/,
  })
  const change = { email: 'new@example.com', password: NEW_PASSWORD }
  const [first, second] = await sendTwice(page, page, change)
  t.strictSame([first.to, second.to], Array(2).fill(`${page}?done=asked`))
  t.match((await browser.get(first.to ?? '')).body, 'A mail is on its way')
  await drained(app)
  const mails = smtp.to('new@example.com')
  t.equal(mails.length, 1, 'a double click sends one mail')
  const token = { mailToken: ` ${tokenIn(mails[0])} ` }
  t.equal((await browser.post(`${page}/confirm`, token)).to, `${page}?done=yes`)
  const confirmed = /<strong>new@example.com<\/strong>, and you have confirmed it/
  t.match((await browser.get(page)).body, confirmed)
})

t.test('a second factor is set up, shows its codes to both clicks, and is stopped', async (t) => {
  const page = '/settings/second-factor'
  t.match((await browser.get(page)).body, 'Set it up')
  const proof = { password: NEW_PASSWORD }
  const [setUpPage, again] = await sendTwice(page, `${page}/start`, proof)
  const [, link = ''] = /href="(otpauth:[^"]+)"/.exec(setUpPage.body) ?? []
  t.match(again.body, link, 'both clicks show the same secret')
  const url = link.replaceAll('&#61;', '=').replaceAll('&#38;', '&')
  const totp = URI.parse(url) as { generate: () => string; secret: { base32: string } }
  t.match(setUpPage.body.replaceAll(' ', ''), totp.secret.base32, 'as text as well')

  const wrong = await browser.post(`${page}/confirm`, { url, code: '000000' })
  t.match(wrong, { status: 403, body: /role="alert">The code is wrong/ })
  t.match(wrong.body, link, 'after a wrong code the secret is still there')
  const evil = await browser.post(`${page}/confirm`, { url: 'javascript:alert(1)', code: '1' })
  t.equal(evil.status, 400)
  t.notMatch(evil.body, 'javascript:')

  const once = onceIn(wrong.body)
  const code = totp.generate()
  const send = () => browser.post(`${page}/confirm`, { once, url, code })
  const both = await Promise.all([send(), send()])
  const codes = both.map(({ body }) => [...body.matchAll(/<li><code>([\w-]+)/g)].map(([, c]) => c))
  t.equal(codes[0]?.length, 10)
  t.strictSame(codes[0], codes[1])
  const [row] = await app.db.select().from(app.tables.webForms)
  t.notMatch(JSON.stringify(row), codes[0]?.[0] ?? '-', 'nothing in the table shows them')
  const later = await browser.post(`${page}/confirm`, { once, url, code: '111111' })
  t.match(later, { status: 409 }, 'another code is another form')

  t.match((await browser.get(page)).body, 'You have 10 unused recovery codes')
  const bare = await browser.post(`${page}/stop`, proof)
  t.match(bare, { status: 403, body: /role="alert">Type a code of your authenticator app/ })
  const [, recovery = ''] = codes[0] ?? []
  t.equal((await browser.post(`${page}/stop`, { ...proof, code: recovery })).status, 303)
  t.match((await browser.get(page)).body, 'Set it up')
})

t.test('an archive is asked for, and downloaded by its owner', async (t) => {
  const page = '/settings/archive'
  const [first, second] = await sendTwice(page, page, { password: NEW_PASSWORD })
  t.strictSame([first.status, second.status], [303, 303])
  await drained(app)
  const [, path = ''] =
    /href="(\/settings\/archive\/\d+)"/.exec((await browser.get(page)).body) ?? []
  const { status, headers, body } = await browser.get(path)
  t.match({ status, headers }, { status: 200, headers: { 'content-type': 'application/zip' } })
  t.match(body, /^PK/)
  const other = openBrowser(app)
  await other.signIn(await signUp(app, 'Other'))
  t.match(await other.get(path), { status: 404, body: /role="alert"|<h1>Not found/ })
})

const PAGES = 'profile email password sessions second-factor blocked muted archive delete'.split(
  ' ',
)
const FORMS = [
  ...PAGES.filter((name) => !['sessions', 'second-factor', 'blocked', 'muted'].includes(name)),
  'email/verify',
  'email/confirm',
  'sessions/1/end',
  'sessions/end-others',
  'second-factor/start',
  'second-factor/confirm',
  'second-factor/stop',
]

t.test('no setting is changed without the token of the form, or by a stranger', async (t) => {
  const stranger = openBrowser(app)
  await stranger.get('/sign-in')
  for (const name of PAGES) {
    const path = `/settings/${name}`
    t.equal((await browser.get(path)).status, 200, path)
    t.equal((await stranger.get(path)).to, `/sign-in?${new URLSearchParams({ return_to: path })}`)
  }
  const fields = {
    ...{ name: 'x', handle: ada.handle, email: 'x@example.com', password: NEW_PASSWORD },
    ...{ newPassword: 'ospreys at dusk 3', code: '123456', mailToken: 'x'.repeat(43) },
  }
  for (const name of FORMS) {
    const path = `/settings/${name}`
    t.equal((await stranger.post(path, fields)).to, '/sign-in?return_to=%2F', path)
    const site = { 'sec-fetch-site': 'cross-site' }
    t.match(await browser.post(path, fields, site), { status: 403, body: /another site/ }, path)
    for (const token of ['', 'x'.repeat(43)]) {
      const { status } = await browser.post(path, { token })
      t.ok([400, 403].includes(status), `${path} ${status}`)
    }
  }
  for (const path of ['/settings/email/confirm', '/settings/profile', '/join']) {
    const headers = { 'content-type': 'application/json' }
    t.equal((await browser.send(path, 'null', headers)).status, 400, 'no form at all')
  }
  const bare = { password: NEW_PASSWORD, token: 'old' }
  for (const path of ['/settings/delete', '/settings/archive', '/settings/second-factor/start'])
    t.match(await browser.post(path, bare), { status: 403, body: /form is too old/ }, path)
})

t.test('an account is deleted with its password', async (t) => {
  const page = '/settings/delete'
  t.equal((await browser.post(page, { password: 'wrong' })).status, 403)
  const both = await sendTwice(page, page, { password: NEW_PASSWORD })
  for (const { status, body } of both)
    t.match({ status, body }, { body: 'Your account is deleted' })
  t.notMatch((await browser.get('/')).body, 'Sign out')
  t.equal((await call(app, `GET /v1/users/${ada.id}`)).status, 404)
})

t.test('a forgotten password is replaced with the token of a mail', async (t) => {
  const bea = await signUp(app, 'Bea')
  await drained(app)
  const stranger = openBrowser(app)
  t.match((await stranger.get('/sign-in')).body, 'href="/password/forgotten"')
  const page = '/password/forgotten'
  await stranger.get(page)
  t.match(await stranger.post(page, { email: 'nobody' }), {
    status: 400,
    body: /role="alert">The e-mail address must/,
  })
  const [unknown, known] = [
    await stranger.post(page, { email: 'nobody@example.com' }),
    await stranger.post(page, { email: bea.email }),
  ]
  t.match(known, { status: 200, body: /a mail is on its way/ })
  t.equal(unknown.body, known.body, 'the page does not tell who has an account')
  await drained(app)
  t.strictSame(smtp.to('nobody@example.com'), [])
  const mail = smtp.to(bea.email).at(-1)
  t.match(mail?.text, /http:\/\/localhost:\d+\/password\/new/)

  await stranger.get('/password/new')
  const choose = (mailToken: string, newPassword: string) =>
    stranger.post('/password/new', { mailToken, newPassword })
  const [token, newPassword] = [tokenIn(mail), 'kestrels at dusk 7']
  t.match(await choose('x'.repeat(43), newPassword), { status: 400, body: /This token is wrong/ })
  t.match(await choose(token, 'short'), { status: 400, body: /role="alert">The new password/ })
  t.match(await stranger.post('/password/new', { token: 'old', mailToken: token, newPassword }), {
    status: 403,
  })
  t.match(await choose(` ${token} `, newPassword), { status: 303, to: '/sign-in?again=true' })
  t.match(await choose(token, newPassword), { status: 400, body: /This token is wrong/ })
  t.equal((await stranger.signIn({ ...bea, password: newPassword })).status, 303)
})
