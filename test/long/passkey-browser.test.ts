import { existsSync } from 'node:fs'
import getPort from 'get-port'
import { chromium, type Page } from 'playwright-core'
import t from 'tap'
import { call, settings, setUp, signUp } from '../helper.ts'

// Passkeys as the documents tell the author of a client to use them, in a browser with an authenticator of its own.

const CHROMIUM = '/usr/bin/chromium'

if (!existsSync(CHROMIUM)) {
  t.pass('skipped', { skip: `${CHROMIUM} is not installed` })
  process.exit()
}

const port = await getPort()
const base = `http://localhost:${port}`
const app = await setUp(t, { ...(await settings(t)), PUBLIC_URL: base })
await app.listen({ port })

t.test('a browser makes a passkey and signs in with it', async (t) => {
  const page = await openPage()
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', isUserVerified: true },
  })
  const ada = await signUp(app, 'Ada')
  const { email, password } = ada
  const path = '/v1/auth/second-factor/passkeys'
  const { body: creation } = await call(app, `POST ${path}/options`, {
    as: ada,
    body: { password },
  })
  const made = await inBrowser(page, 'create', creation)
  const added = await call(app, `POST ${path}`, {
    as: ada,
    body: { name: '노트북', passkey: made },
  })
  t.match(added, { status: 201, body: { name: '노트북', recoveryCodes: Array } })

  t.equal((await call(app, 'POST /v1/auth/login', { body: { email, password } })).status, 401)
  const asked = await call(app, 'POST /v1/auth/passkey-options', { body: { email, password } })
  const passkey = await inBrowser(page, 'get', asked.body)
  const login = await call(app, 'POST /v1/auth/login', { body: { email, password, passkey } })
  t.match(login, { status: 200, body: { accessToken: String } })
})

async function openPage(): Promise<Page> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  await page.goto(base)
  return page
}

function inBrowser(page: Page, act: 'create' | 'get', options: object): Promise<object> {
  const kind = act === 'create' ? 'Creation' : 'Request'
  return page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.parse${kind}OptionsFromJSON(${JSON.stringify(options)})
    return (await navigator.credentials.${act}({ publicKey })).toJSON()
  })()`)
}
