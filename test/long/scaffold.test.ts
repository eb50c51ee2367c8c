import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { call, drained, setUp, signUp, tweet } from '../helper.ts'

const ROOT = join(import.meta.dirname, '../..')
const NAME = 'birdhouse-scaffold-proof'
/** PATH in the package's folder: its Node is the system's, whatever version that is. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)

/** Results of the services of the walk-through, without a written type, and of extensions that ship. */
const UNANNOTATED = `
import type { FastifyInstance, PageRequest, Tx } from 'birdhouse'
import type {} from 'birdhouse/extensions/live'
import type {} from 'birdhouse/extensions/notifications'

declare module 'fastify' {
  interface NotificationKinds {
    proof: { subjectId: number }
  }
  interface LiveEvents {
    proof: { id: number }
  }
}

export async function tell(app: FastifyInstance, tx: Tx, userId: number, subjectId: number) {
  await app.optional('notifications')?.emit(tx, 'proof', { userId, actorId: 1, subjectId })
  await app.optional('live')?.emit(tx, 'proof', { userId, subjectId })
}

export const lists = (app: FastifyInstance) => ({
  tweet: (id: number) => app.tweets.get(id),
  tweets: (ids: number[]) => app.tweets.byIds(ids),
  page: (request: PageRequest) => app.tweets.page('own', undefined, request),
  timeline: (id: number, request: PageRequest) => app.timeline.page(id, request),
  user: (id: number) => app.users.get(id),
  media: (ids: number[]) => app.media.ofTweets(ids),
})
`

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
  // A shell of its own: tap puts NODE_OPTIONS into every process that it starts.
  const npm = (...args: string[]) =>
    run(home, 'env', '--ignore-environment', `PATH=${PATH}`, `HOME=${homedir()}`, 'npm', ...args)
  const scaffold = (name: string) =>
    run(ROOT, process.execPath, 'cli/index.ts', 'new:extension', name)

  t.match(scaffold('--help'), /^Usage: npm run birdhouse -- new:extension /)
  t.match(scaffold(home), `npm test`)
  t.match(npm('test'), /^ok 1 - test\/scaffold-proof\.test\.ts/m)
  writeFileSync(join(home, 'lists.ts'), UNANNOTATED)
  npm('run', 'types')
  t.match(scaffold(home), 'is linked to this Birdhouse')

  npm('pack')
  run(folder, 'tar', '-xzf', join(home, `${NAME}-0.1.0.tgz`))
  run(folder, 'mv', 'package', installed)
  const app = await setUp(t, { EXTENSIONS: NAME })
  await tweet(app, await signUp(app), 'hello')
  await drained(app)
  t.strictSame((await call(app, 'GET /v1/scaffold-proof')).body, { tweets: 1 })
  const { paths } = (await call(app, 'GET /openapi.json')).body
  t.ok(paths['/v1/scaffold-proof'])

  for (const [name, sentence] of Object.entries({
    Pins: 'Pins cannot be the name',
    'a--b': 'a--b cannot be the name',
    tweets: 'routes/tweets exists',
    bookmarks: 'extensions/bookmarks exists',
  }))
    t.throws(() => scaffold(name), { message: new RegExp(sentence) }, name)
})
