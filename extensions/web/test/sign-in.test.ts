import { call, read, setUp, signUp } from 'birdhouse/testing'
import { URI } from 'otpauth'
import t from 'tap'
import { openBrowser } from './browser.ts'

const app = await setUp(t)
const ada = await signUp(app, 'Ada')

t.test('a person signs in with a handle or an e-mail address, and signs out', async (t) => {
  for (const name of [ada.handle, `@${ada.handle.toUpperCase()}`, ada.email]) {
    const browser = openBrowser(app)
    const { status, to, headers } = await browser.signIn({ ...ada, email: name }, '/notifications')
    t.match({ status, to }, { status: 303, to: '/notifications' }, name)
    t.match(String(headers['set-cookie']), /birdhouse-session=[\w-]{43}; .*HttpOnly; SameSite=Lax/)
    const home = await browser.get('/')
    t.match(home.body, `href="/@${ada.handle}"`)
    t.match(home.headers, { 'cache-control': 'private, no-store', vary: /Cookie/ })
    t.equal((await browser.post('/sign-out')).to, '/')
    t.equal(browser.cookies.size, 0)
    t.notMatch((await browser.get('/')).body, 'Sign out')
  }
})

t.test(
  'a wrong password comes back in words, with the name and without the password',
  async (t) => {
    const browser = openBrowser(app)
    for (const email of [ada.handle, 'nobody_here', '"><b>']) {
      const { status, body } = await browser.signIn({ email, password: 'wrong <password>' })
      t.equal(status, 401)
      t.match(body, /role="alert">The handle or e-mail address, or the password, is wrong/)
      t.match(body, `value="${email === '"><b>' ? '&#34;&#62;&#60;b&#62;' : email}"`)
      t.notMatch(body, /wrong (<|&)/)
      t.notOk([...browser.cookies.keys()].includes('birdhouse-session'))
    }
  },
)

t.test('the session is listed as Web, and its end signs the browser out', async (t) => {
  const browser = openBrowser(app)
  await browser.signIn(ada)
  const { items } = await read(app, '/v1/auth/sessions', ada)
  const mine = items.find((one: { app: string | null }) => one.app === 'Web')
  await call(app, `DELETE /v1/auth/sessions/${mine.id}`, { as: ada })
  t.notMatch((await browser.get('/')).body, 'Sign out')
  t.notOk(browser.cookies.has('birdhouse-session'), 'the cookie is cleared')
})

t.test('another sign-in in the same browser ends the session before', async (t) => {
  const [bo, browser] = [await signUp(app, 'Bo'), openBrowser(app)]
  await browser.signIn(bo)
  const before = browser.cookies.get('birdhouse-session')
  await browser.get('/sign-in?again=true')
  await browser.post('/sign-in', { email: bo.email, password: bo.password })
  t.not(browser.cookies.get('birdhouse-session'), before)
  const { items } = await read(app, '/v1/auth/sessions', bo)
  t.equal(items.filter((one: { app: string | null }) => one.app === 'Web').length, 1)
})

t.test('a second factor is asked for in a second step', async (t) => {
  const gil = await signUp(app, 'Gil')
  const { password } = gil
  const begun = await call(app, 'POST /v1/auth/second-factor', { as: gil, body: { password } })
  const totp = URI.parse(begun.body.url)
  const code = { code: totp.generate() }
  const { body: confirmed } = await call(app, 'POST /v1/auth/second-factor/confirm', {
    as: gil,
    body: code,
  })
  const browser = openBrowser(app)
  const step = await browser.signIn(gil, '/bookmarks')
  t.match(step.body, '<h1>Enter your code</h1>')
  t.notMatch(step.body, password)
  t.notOk(browser.cookies.has('birdhouse-session'))
  const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(step.body) ?? []

  const second = (more: object) =>
    browser.post('/sign-in', { return_to: '/bookmarks', ticket, ...more })
  t.match(await second({ code: '000000' }), { status: 401, body: /role="alert">The code is wrong/ })
  t.match(await second({}), { status: 401, body: /<h1>Enter your code/ }, 'an empty code')
  for (const other of [
    ticket.replace(/^\d+/, String(ada.id)),
    `${ticket.slice(0, -1)}_`,
    '1.2.3',
  ]) {
    const [recovery] = confirmed.recoveryCodes
    const forged = await second({ ticket: other, code: recovery })
    t.match(forged, { status: 401, body: /<h1>Sign in/ }, 'a forged ticket leads to the first step')
  }
  const [recovery] = confirmed.recoveryCodes
  t.match(await second({ code: recovery }), { status: 303, to: '/bookmarks' })
  t.match((await browser.get('/bookmarks')).body, 'Sign out')
})

t.test('a ticket ends with the password, and does not outlive a suspension', async (t) => {
  const hal = await signUp(app, 'Hal')
  const { password } = hal
  const begun = await call(app, 'POST /v1/auth/second-factor', { as: hal, body: { password } })
  const code = URI.parse(begun.body.url).generate()
  const { body } = await call(app, 'POST /v1/auth/second-factor/confirm', {
    as: hal,
    body: { code },
  })
  const [first, second] = body.recoveryCodes
  const browser = openBrowser(app)
  const ticketOf = (page: string) => /name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const old = ticketOf((await browser.signIn(hal)).body)
  const newPassword = 'kingfishers at dusk 8'
  await call(app, 'PUT /v1/users/me/password', {
    as: hal,
    body: { password, newPassword, code: first },
  })
  t.match(await browser.post('/sign-in', { ticket: old, code: second }), {
    status: 401,
    body: /Type it again/,
  })
  const fresh = ticketOf((await browser.signIn({ ...hal, password: newPassword })).body)
  await app.moderation.actOn('suspend', { userId: hal.id, reason: 'Advertising' })
  t.match(await browser.post('/sign-in', { ticket: fresh, code: second }), {
    status: 403,
    body: /This account is suspended: Advertising/,
  })
})

t.test('a suspended person is signed out, and is told why at the next sign-in', async (t) => {
  const [eve, browser] = [await signUp(app, 'Eve'), openBrowser(app)]
  await browser.signIn(eve)
  await app.moderation.actOn('suspend', { userId: eve.id, reason: 'Spam.' })
  t.match((await browser.get('/notifications')).to, /^\/sign-in/)
  const { status, body } = await browser.signIn(eve)
  t.equal(status, 403)
  t.match(body, 'This account is suspended: Spam.')
  t.notMatch(body, '/v1/')
})

t.test('failures are limited as those of the API', async (t) => {
  const [fay, browser] = [await signUp(app, 'Fay'), openBrowser(app)]
  const wrong = () => browser.signIn({ email: fay.handle, password: 'wrong' })
  const answers = []
  for (let n = 0; n < 8; n++) answers.push(await wrong())
  const last = answers.at(-1)
  t.match(last, { status: 429, headers: { 'retry-after': String } })
  t.match(last?.body, /role="alert">Too many logins of this account failed/)
  const api = { email: fay.email, password: 'wrong' }
  t.equal((await call(app, 'POST /v1/auth/login', { body: api })).status, 429, 'one count for both')
})

t.test('return_to leads to paths of this server alone', async (t) => {
  for (const [asked, to] of [
    ['/tags/a?cursor=b#t1', '/tags/a?cursor=b#t1'],
    ['https://evil.example/', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/.//evil.example', '/'],
    ['/x/..//evil.example', '/'],
    ['\t//evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['sign-out', '/'],
    ['', '/'],
  ] as const) {
    const browser = openBrowser(app)
    t.equal((await browser.signIn(ada, asked)).to, to, JSON.stringify(asked))
    const again = await browser.get(`/sign-in?return_to=${encodeURIComponent(asked)}`)
    t.equal(again.to, to, 'also for a person who is signed in')
  }
})

t.test('no foreign page can sign a person in or out', async (t) => {
  const { email, password } = ada
  const bare = openBrowser(app)
  t.match(await bare.post('/sign-in', { email, password }), {
    status: 403,
    body: /form is too old/,
  })
  const browser = openBrowser(app)
  await browser.signIn(ada)
  await browser.get('/')
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ])
    t.equal((await browser.post('/sign-out', {}, headers)).status, 403, JSON.stringify(headers))
  const other = openBrowser(app)
  await other.signIn(await signUp(app, 'Other'))
  await other.get('/')
  t.equal((await browser.post('/sign-out', { token: other.tokenOfPage() })).status, 403)
  await browser.get('/')
  const own = { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }
  t.equal((await browser.post('/sign-out', {}, own)).status, 303)
})

t.test('with HTTPS the cookie is for this host alone', async (t) => {
  const secure = await setUp(t, { PUBLIC_URL: 'https://birds.example' })
  const browser = openBrowser(secure)
  const { headers } = await browser.signIn(await signUp(secure, 'Ida'))
  t.match(
    String(headers['set-cookie']),
    /__Host-birdhouse-session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax/,
  )
  const own = { origin: 'https://birds.example' }
  await browser.get('/')
  t.equal((await browser.post('/sign-out', {}, own)).status, 303)
})

t.test('a session that is not used for 30 days ends', async (t) => {
  const [kim, browser] = [await signUp(app, 'Kim'), openBrowser(app)]
  const { sessions, webSessions } = app.tables
  await browser.signIn(kim)
  await app.db.update(sessions).set({ lastUsedAt: new Date(Date.now() - 31 * 86_400_000) })
  t.notMatch((await browser.get('/')).body, 'Sign out')
  await app.web.purge()
  t.strictSame(await app.db.select().from(webSessions), [])
  t.notMatch(JSON.stringify(await read(app, '/v1/auth/sessions', kim)), 'Web')
})
