import { existsSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { AxeBuilder } from '@axe-core/playwright'
import { URI } from 'otpauth'
import { chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { loadDemoData } from '../../demo/index.ts'
import { DEMO_LOGIN } from '../../demo/people.ts'
import { call, drained, relate, setUp, signUp, tweet, type User } from '../helper.ts'

// The pages as a browser shows them, with the demo data, to a stranger and to a person who is signed in.

const CHROMIUM = '/usr/bin/chromium'
/** Bytes of a first view beside pictures, compressed. */
const FIRST_VIEW = 60_000

if (!existsSync(CHROMIUM)) {
  t.pass('skipped', { skip: `${CHROMIUM} is not installed` })
  process.exit()
}

const app = await setUp(t, { DEMO_DATA: 'true' })
await loadDemoData(app, () => {})
const base = await app.listen({ host: '127.0.0.1', port: 0 })
const ada = await signUp(app, 'Ada')
const root = await tweet(app, ada, '안녕하세요 #새 https://example.com')
await tweet(app, ada, 'a reply', { replyToId: root.id })
const { items } = (await call(app, 'GET /v1/tweets?limit=100')).body
const pictured = items.find(({ media }: { media: unknown[] }) => media.length > 0)
const OF_STRANGERS = [
  '/',
  '/latest',
  `/@${ada.handle}`,
  `/@${ada.handle}/${root.id}`,
  `/@${pictured.author.handle}/${pictured.id}`,
  '/tags/birds',
  '/join',
  '/sign-in',
  '/password/forgotten',
  '/password/new',
  '/@nobody_here',
  '/?cursor=wrong',
]
const client = await call(app, 'POST /api/v1/apps', {
  body: { client_name: '새 앱', redirect_uris: 'https://app.example/back', scopes: 'read write' },
})
const authorize = `/oauth/authorize?${new URLSearchParams({
  client_id: client.body.client_id,
  redirect_uri: 'https://app.example/back',
  response_type: 'code',
  scope: 'read write',
})}`

const login = (await call(app, 'POST /v1/auth/login', { body: DEMO_LOGIN })).body
const demo: User = { ...login.user, ...DEMO_LOGIN, ...login, token: login.accessToken }
const own = await tweet(app, demo, '물총새를 보았습니다 🐦')
await tweet(app, ada, `@${demo.handle} 정말요?`, { replyToId: own.id })
await relate(app, ada, 'follow', demo)
await relate(app, demo, 'mute', await signUp(app, '지우'))
await call(app, `PUT /v1/tweets/${own.id}/like`, { as: ada })
await drained(app)
const OF_MEMBERS = [
  '/',
  '/latest',
  `/@${ada.handle}`,
  `/@${demo.handle}`,
  `/@${demo.handle}/${own.id}`,
  '/tags/birds',
  '/notifications',
  '/bookmarks',
  '/settings',
  ...'profile email password sessions second-factor blocked muted archive delete'
    .split(' ')
    .map((name) => `/settings/${name}`),
  `/@${ada.handle}/report`,
  `/@${ada.handle}/${root.id}/report`,
  '/nope',
  `/tweets/${own.id}/delete`,
  authorize,
  '/?cursor=wrong',
]

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
t.teardown(() => browser.close())

/** Checks the page that is open: the rules of axe-core, its width, and what it loads. */
async function check(t: Test, page: Page, name: string) {
  const { violations } = await new AxeBuilder({ page }).analyze()
  t.strictSame(
    violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
    [],
    name,
  )
  const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  t.notOk(overflow, `${name} fits`)
}

async function checkAll(t: Test, page: Page, paths: string[]) {
  for (const path of paths) {
    const broken: string[] = []
    page.removeAllListeners()
    page.on('requestfailed', (request) => broken.push(request.url()))
    page.on('console', (message) => broken.push(message.text()))
    const answer = await page.goto(base + path)
    await check(t, page, path)
    const expected = answer?.ok() ? /^$/ : /40[04]/
    t.match(broken.join(), expected, `${path} loads all that it names`)
  }
}

/** Signs in on the page, after a wrong password; returns to the first page. */
async function signIn(t: Test, page: Page, password: string) {
  await page.goto(`${base}/sign-in`)
  for (const typed of ['wrong', password]) {
    await page.fill('[name=email]', demo.handle)
    await page.fill('[name=password]', typed)
    await page.click('main button')
    if (typed === 'wrong') await check(t, page, 'a wrong password')
  }
  await page.waitForSelector('.compose')
}

for (const [colorScheme, width] of [
  ['light', 390],
  ['dark', 1200],
] as const) {
  t.test(`no page breaks a rule of accessibility (${colorScheme}, ${width} pixels)`, async (t) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
    const page = await context.newPage()
    await checkAll(t, page, OF_STRANGERS)
    await signIn(t, page, DEMO_LOGIN.password)
    await checkAll(t, page, OF_MEMBERS)
    await context.close()
  })
}

t.test(
  'a person signs up, posts with a picture, likes and signs out, without script',
  async (t) => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${base}/join`)
    await page.fill('[name=name]', '김하늘')
    await page.fill('[name=email]', 'haneul@example.com')
    await page.fill('[name=password]', 'kingfishers at dawn 7')
    await page.click('main button')
    await page.click('text=Go to your timeline')
    t.match(await page.textContent('.empty'), 'Your timeline is still empty')
    await page.fill('textarea', '첫 글입니다')
    await page.click('summary')
    await page.setInputFiles('[name=picture]', 'test/pictures/gps.png')
    await page.fill('[name=alt]', '숲')
    await page.click('.send button')
    const first = page.locator('.tweet').first()
    t.match(await first.textContent(), '첫 글입니다')
    t.equal(await first.locator('.pictures img').getAttribute('alt'), '숲')
    await first.locator('button.like').click()
    t.match(await page.locator('.tweet').first().textContent(), 'Unlike')
    await page.click('text=Sign out')
    t.match(await page.textContent('nav'), 'Sign in')
    await context.close()
  },
)

t.test('an app that asks sends a stranger to the sign-in, and back after consent', async (t) => {
  const context = await browser.newContext()
  const page = await context.newPage()
  // The app's own page.
  await page.route('https://app.example/**', (route) => route.fulfill({ body: 'Welcome back' }))
  await page.goto(base + authorize)
  t.match(await page.textContent('main'), '새 앱 asks to use your account')
  await page.fill('[name=email]', demo.handle)
  await page.fill('[name=password]', DEMO_LOGIN.password)
  await page.click('main button')
  t.match(await page.textContent('main'), `You are signed in as @${demo.handle}`)
  await page.click('text=Allow >> nth=-1')
  await page.waitForURL(/app\.example\/back\?code=/)
  await page.goto(base + authorize)
  await page.click('button[value=deny]')
  await page.waitForURL(/error=access_denied/)
  await context.close()
})

t.test('a first view is small', async (t) => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await signIn(t, page, DEMO_LOGIN.password)
  const home = await (await page.goto(`${base}/`))?.text()
  for (const first of [home, await (await fetch(`${base}/`)).text()]) {
    let bytes = gzipSync(first ?? '').length
    for (const path of ['/web/style.css', '/web/icon.svg'])
      bytes += gzipSync(await (await fetch(base + path)).text()).length
    t.ok(bytes < FIRST_VIEW, `${bytes} bytes`)
    t.comment(`${bytes} bytes`)
  }
  await context.close()
})

t.test('a person opens the menu by keyboard, and sets a second factor up', async (t) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 900 } })
  const page = await context.newPage()
  await signIn(t, page, DEMO_LOGIN.password)
  await page.goto(`${base}/@${ada.handle}`)
  await page.focus('.menu summary')
  await page.keyboard.press('Enter')
  await check(t, page, 'the open menu')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  t.match(await page.textContent('.person'), 'Muted')

  await page.goto(`${base}/settings/profile`)
  await page.fill('[name=profile]', '물총새를 찾아다닙니다.')
  await page.click('main button')
  t.match(await page.textContent('[role=status]'), 'Done')

  await page.goto(`${base}/settings/second-factor`)
  await page.fill('[name=password]', DEMO_LOGIN.password)
  await page.click('main button')
  await check(t, page, 'the secret')
  const totp = URI.parse((await page.getAttribute('.steps a', 'href')) ?? '')
  await page.fill('[name=code]', totp.generate())
  await page.click('main button')
  await check(t, page, 'the recovery codes')
  t.equal(await page.locator('.codes li').count(), 10)
  await page.goto(`${base}/settings/delete`)
  t.ok(await page.locator('[name=code]').isVisible(), 'forms ask for a code now')
  await context.close()
})
