import { execFile } from 'node:child_process'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import openapiTS, { astToString } from 'openapi-typescript'
import t from 'tap'
import { call, setUp } from './helper.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
// Inside the project, so that the client finds its packages.
const FOLDER = join(ROOT, 'node_modules/.cache/birdhouse-client')

const STRICT = ['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes']
const NODE = ['--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--noEmit']

t.test('a client generated from the document compiles in strict mode and works', async (t) => {
  const app = await setUp(t)
  const url = await app.listen()
  await mkdir(FOLDER, { recursive: true })
  t.teardown(() => rm(FOLDER, { recursive: true }))
  const document = (await call(app, 'GET /openapi.json')).body
  await writeFile(join(FOLDER, 'api.d.ts'), astToString(await openapiTS(document)))
  await writeFile(join(FOLDER, 'package.json'), '{"type":"module"}')
  await copyFile(join(ROOT, 'test/client/client.ts'), join(FOLDER, 'client.ts'))

  const file = join(FOLDER, 'client.ts')
  const options = [...STRICT, ...NODE, '--allowImportingTsExtensions', '--skipLibCheck']
  await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, file], { cwd: FOLDER }).catch(
    (error) => t.fail(error.stdout),
  )
  // The very same file; its types are stripped.
  const { stdout } = await run(process.execPath, [join(ROOT, 'test/client/client.ts'), url])
  t.strictSame(JSON.parse(stdout), {
    text: 'hello',
    likes: 1,
    liked: true,
    small: true,
    found: [1, 1, 302],
  })
})
