import { existsSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'
import t from 'tap'
import { loadDemoData } from '../../demo/index.ts'
import { call, setUp, signUp, tweet } from '../helper.ts'

// The public pages as a browser shows them, with the demo data.

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
const paths = [
  '/',
  `/@${ada.handle}`,
  `/@${ada.handle}/${root.id}`,
  `/@${pictured.author.handle}/${pictured.id}`,
  '/tags/birds',
  '/join',
  '/@nobody_here',
]

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
t.teardown(() => browser.close())

for (const [colorScheme, width] of [
  ['light', 390],
  ['dark', 1200],
] as const) {
  t.test(`no page breaks a rule of accessibility (${colorScheme}, ${width} pixels)`, async (t) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
    const page = await context.newPage()
    for (const path of paths) {
      const broken: string[] = []
      page.removeAllListeners()
      page.on('requestfailed', (request) => broken.push(request.url()))
      page.on('console', (message) => broken.push(message.text()))
      await page.goto(base + path)
      const { violations } = await new AxeBuilder({ page }).analyze()
      t.strictSame(
        violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
        [],
        path,
      )
      const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
      t.notOk(overflow, `${path} fits`)
      const expected = path === '/@nobody_here' ? /404/ : /^$/
      t.match(broken.join(), expected, `${path} loads all that it names`)
    }
    await context.close()
  })
}

t.test('a first view is small', async (t) => {
  let bytes = 0
  for (const path of ['/', '/web/style.css', '/web/icon.svg']) {
    const body = await (await fetch(base + path)).text()
    bytes += gzipSync(body).length
  }
  t.ok(bytes < FIRST_VIEW, `${bytes} bytes`)
})
