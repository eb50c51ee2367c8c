import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { call, drained, setUp, signUp, tweet } from '../helper.ts'

const ROOT = join(import.meta.dirname, '../..')
const NAME = 'birdhouse-scaffold-proof'

t.test('a new package passes its tests, compiles, packs, installs and runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-scaffold-'))
  const home = join(folder, NAME)
  const installed = join(ROOT, 'node_modules', NAME)
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
    rmSync(installed, { recursive: true, force: true })
  })
  const run = (cwd: string, command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const scaffold = (name: string) => run(ROOT, process.execPath, 'scaffold/new-extension.ts', name)

  t.match(scaffold(home), `npm test`)
  t.match(run(home, 'npm', 'test'), /^ok 1 - test\/scaffold-proof\.test\.ts/m)
  run(home, 'npm', 'run', 'types')
  t.match(scaffold(home), 'is linked to this Birdhouse')

  run(home, 'npm', 'pack')
  run(folder, 'tar', '-xzf', join(home, `${NAME}-0.1.0.tgz`))
  run(folder, 'mv', 'package', installed)
  const app = await setUp(t, { EXTENSIONS: NAME })
  await tweet(app, await signUp(app), 'hello')
  await drained(app)
  t.strictSame((await call(app, 'GET /v1/scaffold-proof')).body, { tweets: 1 })
  const { paths } = (await call(app, 'GET /openapi.json')).body
  t.ok(paths['/v1/scaffold-proof'])

  for (const [name, sentence] of Object.entries({
    Pins: "Pins can't be the name",
    'a--b': "a--b can't be the name",
    tweets: 'routes/tweets exists',
    bookmarks: 'extensions/bookmarks exists',
    '--help': 'Usage: npm run new:extension',
  }))
    t.throws(() => scaffold(name), { message: new RegExp(sentence) }, name)
})
