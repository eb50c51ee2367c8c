import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { call, setUp, signUp } from './helper.ts'
import { undocumented } from './undocumented.ts'

const ROOT = join(import.meta.dirname, '..')
const FEATURES = 'routes/*/*.ts'

t.test('every route documents itself and its answers', async (t) => {
  const app = await setUp(t)
  const document = (await call(app, 'GET /openapi.json')).body
  t.equal(document.openapi, '3.1.0')
  t.ok(Object.keys(document.paths).length > 40)
  t.strictSame(undocumented(app), [])
})

t.test('plugin names are unique, because the loader drops duplicates', async (t) => {
  const files = ['plugins/*.ts', 'plugins/*/index.ts', FEATURES].flatMap((glob) =>
    globSync(glob, { cwd: ROOT }),
  )
  const names: string[] = []
  for (const file of files) {
    const module = await import(pathToFileURL(join(ROOT, file)).href)
    const meta = module.default?.[Symbol.for('plugin-meta')]
    if (meta) names.push(meta.name)
  }
  t.ok(names.length > 15)
  t.strictSame(names, [...new Set(names)])
})

t.test('no feature imports from another, and app.ts names no feature', async (t) => {
  const featureOf = (path: string) => path.split('/')[1]
  for (const file of globSync('routes/**/*.ts', { cwd: ROOT })) {
    const imports = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/from '(\.[^']+)'/g)]
    for (const [, path = ''] of imports) {
      const target = join(dirname(file), path)
      if (!target.startsWith('routes/')) continue
      t.equal(featureOf(target), featureOf(file), `${file} imports ${path}`)
    }
  }
  const features = [...new Set(globSync(FEATURES, { cwd: ROOT }).map(featureOf))]
  const source = readFileSync(join(ROOT, 'app.ts'), 'utf8')
  t.strictSame(
    features.filter((feature) => source.includes(`${feature}/`)),
    [],
  )
})

t.test('only the configuration reads the environment', async (t) => {
  const files = ['*.ts', 'plugins/**/*.ts', 'routes/**/*.ts', 'db/**/*.ts', 'local/*.ts'].flatMap(
    (glob) => globSync(glob, { cwd: ROOT }),
  )
  const reading = files.filter((file) =>
    /process\.env\b(?!, )/.test(readFileSync(join(ROOT, file), 'utf8')),
  )
  t.strictSame(reading, ['plugins/config/env.ts'])
})

t.test('the kernel answers unknown paths and its own documents', async (t) => {
  const app = await setUp(t)
  const missing = await call(app, 'GET /v1/nowhere?secret=1')
  t.equal(missing.status, 404)
  t.match(missing.headers['content-type'], 'application/problem+json')
  t.match(missing.body, { code: 'ROUTE_NOT_FOUND', status: 404, title: 'Not Found' })
  t.notMatch(missing.body.detail, 'secret')
  t.equal((await call(app, 'GET /docs/')).status, 200)
  t.match((await call(app, 'GET /%ff')).body, { status: 400 })
})

t.test('the documentation is at / unless an extension has a page there', async (t) => {
  const app = await setUp(t)
  t.match((await call(app, 'GET /')).headers['content-type'], 'text/html')
  // A wrong setting leaves the extension out.
  const without = await setUp(t, { EXTENSIONS_OPTIONAL: 'web,mastodon', WEB_TIMELINE: 'wrong' })
  t.match(await call(without, 'GET /'), { status: 302, headers: { location: '/docs' } })
})

t.test('every answer has security and caching headers', async (t) => {
  const app = await setUp(t)
  const lines = ['GET /livez', 'GET /nowhere', 'POST /v1/auth/login', 'GET /v1/users/me']
  for (const line of lines) {
    const { headers } = await call(app, line)
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, line)
    t.match(headers, {
      'content-security-policy':
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'strict-transport-security': /max-age=31536000/,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-store',
    })
  }
  const documentation = (await call(app, 'GET /docs/')).headers
  const policy = documentation['content-security-policy']
  t.match(policy, /script-src 'self'/, 'with a policy of its own')
  t.match(policy, /base-uri 'none'.*frame-ancestors 'none'/)
  t.equal(documentation['x-frame-options'], 'DENY')
})

t.test('the documentation keeps no token in the browser', async (t) => {
  const app = await setUp(t)
  const { body } = await call(app, 'GET /docs/static/swagger-initializer.js')
  t.match(body, '"persistAuthorization":false')
})

t.test('EXTENSIONS adds a feature from a folder', async (t) => {
  const app = await setUp(t, { EXTENSIONS: 'test/fixtures/greetings' })
  const user = await signUp(app, '지우')
  const answer = await call(app, `GET /v1/users/${user.id}/greeting`)
  t.strictSame(answer.body, { greeting: 'hello 지우' })
  t.equal((await call(app, 'GET /v1/users/99/greeting')).body.code, 'USER_NOT_FOUND')
  t.ok((await call(app, 'GET /openapi.json')).body.paths['/v1/users/{id}/greeting'])
})
