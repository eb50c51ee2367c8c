import fc from 'fast-check'
import t from 'tap'
import { readOrigins } from '../../plugins/config/addresses.ts'
import { call, setUp } from '../helper.ts'

t.test('an origin is read as browsers send it', async (t) => {
  const cases: [string, string][] = [
    ['https://a.example/', 'https://a.example'],
    ['HTTPS://A.Example:443', 'https://a.example'],
    ['http://a.example:80/', 'http://a.example'],
    ['http://a.example:443', 'http://a.example:443'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://[::1]:3000/', 'http://[::1]:3000'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdefgh/', 'chrome-extension://abcdefgh'],
  ]
  for (const [written, sent] of cases) t.strictSame(readOrigins(written), [sent], written)
  t.strictSame(readOrigins(' https://a.example/ ,https://a.example,https://b.example'), [
    'https://a.example',
    'https://b.example',
  ])
  t.equal(readOrigins('*'), '*')
})

t.test('the origin of any page may be written in other ways', async () => {
  const upperCase = (text: string) => text.toUpperCase()
  const asItIs = (text: string) => text
  const variant = fc.tuple(fc.constantFrom(asItIs, upperCase), fc.constantFrom('', '/'))
  const page = fc.tuple(
    fc.constantFrom('http', 'https'),
    fc.oneof(fc.domain(), fc.ipV4()),
    fc.oneof(fc.constantFrom(80, 443), fc.integer({ min: 1, max: 65_535 })),
  )
  fc.assert(
    fc.property(page, variant, ([scheme, host, port], [write, end]) => {
      const { origin } = new URL(`${scheme}://${host}:${port}/path`)
      const [read] = readOrigins(write(origin) + end)
      return read === origin
    }),
  )
})

t.test('an origin that can never match is rejected with advice', async (t) => {
  const cases: [string, RegExp][] = [
    ['a.example', /begins with its scheme: write https:\/\/a\.example/],
    ['localhost:3000', /write https:\/\/localhost:3000, or http/],
    ['//a.example', /begins with its scheme/],
    ['https:/a.example', /begins with its scheme/],
    ['https://a.example/app', /has nothing after its host and port: write https:\/\/a\.example$/],
    ['https://a.example/?', /write https:\/\/a\.example$/],
    ['https://a.example#top', /write https:\/\/a\.example$/],
    ['https://me:pw@a.example', /write https:\/\/a\.example$/],
    ['https://*.example.com', /list each origin/],
    ['http://localhost:*', /list each origin/],
    ['*,https://a.example', /\* allows pages of any origin/],
    ['null', /list the origins of your pages/],
    ['file:///home/me', /such as https:|no page sends/],
    ['wss://a.example', /no page sends an origin that begins with wss:/],
    ['https://', /such as https:/],
    ['https://a.example https://b.example', /comma-separated/],
    ['https://a.example;', /comma-separated/],
    ['https://a.example:99999', /such as https:/],
    [',', /name an origin/],
  ]
  for (const [written, sentence] of cases) {
    t.throws(() => readOrigins(written), { message: sentence }, written)
  }
})

t.test('a page is allowed for every spelling of its origin in the setting', async (t) => {
  const app = await setUp(t, { CORS_ORIGIN: 'HTTPS://Bücher.example:443/' })
  const ask = (origin: string) => call(app, 'GET /v1/tweets', { headers: { origin } })
  const allowed = await ask('https://xn--bcher-kva.example')
  t.equal(allowed.headers['access-control-allow-origin'], 'https://xn--bcher-kva.example')
  const other = await ask('https://other.example')
  t.equal(other.headers['access-control-allow-origin'], undefined)
})
