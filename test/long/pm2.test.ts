import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import getPort from 'get-port'
import { type Test, test } from 'tap'
import { build } from '../../app.ts'
import { connect } from '../../extensions/mastodon/test/streams.ts'
import { settings, signUp, tweet } from '../helper.ts'
import { runningIn, temporaryFolder } from '../server/spawn.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const CONNECTIONS = 32

/** One request; its status, or the code of what went wrong. */
function request(url: string, agent: Agent) {
  return new Promise<number | string>((resolve) => {
    get(url, { agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })
}

/** Requests over kept-alive connections until told to stop; how many ended how. */
async function load(url: string, signal: AbortSignal) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const outcomes = new Map<number | string, number>()
  const client = async () => {
    while (!signal.aborted) {
      const outcome = await request(url, agent)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client))
  agent.destroy()
  return Object.fromEntries(outcomes)
}

test('PM2 reloads without dropping a request, and stops without leaving a process', async (t) => {
  const project = temporaryFolder(t)
  for (const name of ['package.json', 'ecosystem.config.cjs', 'deploy', 'node_modules'])
    symlinkSync(join(ROOT, name), join(project, name))
  const home = join(project, '.pm2')
  const port = String(await getPort({ host: '127.0.0.1' }))
  const own = await settings(t)
  const env = {
    ...process.env,
    ...own,
    NODE_ENV: undefined,
    HOST: '127.0.0.1',
    PORT: port,
  }
  const npm = (script: string) => run('npm', ['run', script], { cwd: project, env })
  t.teardown(() => npm('prod:stop').catch(() => {}))
  const refused = await run('npm', ['run', 'prod'], {
    cwd: project,
    env: { ...env, JWT_SECRETS: 'weak', DATABASE_URL: '' },
  }).catch((error) => error)
  t.match(refused.stderr, /- DATABASE_URL: (.|\n)*- JWT_SECRETS: /)
  t.same(runningIn(home), [], 'with wrong settings PM2 is not even started')

  await npm('prod')
  const daemon = readFileSync(join(home, 'pm2.pid'), 'utf8')
  const before = await workers(daemon)
  t.ok(before.length > 0)
  for (const log of readdirSync(join(home, 'logs')))
    t.equal(statSync(join(home, 'logs', log)).mode & 0o777, 0o640, `only its group reads ${log}`)

  const listener = await listen(t, own, `http://127.0.0.1:${port}`)
  const over = new AbortController()
  const outcomes = load(`http://127.0.0.1:${port}/v1/tweets`, over.signal)
  await sleep(1_000)
  await npm('prod:reload')
  await sleep(1_000)
  over.abort()
  const counts = await outcomes
  t.comment(counts)
  t.same(Object.keys(counts), ['200'], 'every request got its answer')
  const after = await workers(daemon)
  t.equal(after.length, before.length)
  t.notOk(
    after.some((pid) => before.includes(pid)),
    'all processes are new',
  )

  await listener.hearsAfterReload(t)

  const page = 'https://a.example'
  const allowed = async () =>
    (await fetch(`http://127.0.0.1:${port}/v1/tweets`, { headers: { origin: page } })).headers.get(
      'access-control-allow-origin',
    )
  t.equal(await allowed(), null)
  const { stdout: set } = await run('npm', ['run', 'prod:reload'], {
    cwd: project,
    env: { ...env, CORS_ORIGIN: page },
  })
  t.match(set, /^Changed settings: CORS_ORIGIN$/m)
  t.equal(await allowed(), page, 'a new setting arrives')
  const { stdout: unset } = await npm('prod:reload')
  t.match(unset, /^Changed settings: CORS_ORIGIN$/m)
  t.equal(await allowed(), null, 'a setting that is gone is not remembered')

  await npm('prod:stop')
  for (let i = 0; i < 100 && runningIn(home).length > 0; i++) await sleep(50)
  t.same(runningIn(home), [], 'the daemon is gone')
  t.same(await workers(daemon), [], 'its workers have ended')
})

/** A Mastodon app with a stream of one process; posts are written by a process of this test. */
async function listen(t: Test, own: NodeJS.ProcessEnv, url: string) {
  const writer = await build(own)
  t.teardown(() => writer.close())
  const person = await signUp(writer)
  const { apps, tokens } = writer.mastodon
  const about = { name: 'A', website: null, redirectUris: [], scopes: ['read'] }
  const { id: appId } = await apps.register(about)
  const client = { ip: '127.0.0.1', userAgent: 'test', app: about.name }
  const sessionId = await writer.auth.sessions.openForApp(person.id, client)
  const token = 'a-token-of-a-person'
  await tokens.store(token, { appId, userId: person.id, sessionId, scopes: 'read' })
  const open = async () => {
    const stream = connect(url, '?stream=user', { token })
    await stream.opened
    await stream.subscribe('user')
    return stream
  }
  const before = await open()

  async function hearsAfterReload(t: Test) {
    t.equal(await before.closed, 1001, 'the stream is closed in an orderly way')
    const after = await open()
    const { id } = await tweet(writer, person, 'After the reload')
    const heard = await after.find(({ event }) => event === 'update')
    t.match(heard.payload, `"id":"${id}"`, 'the app has connected again and hears what follows')
    after.socket.terminate()
  }

  return { hearsAfterReload }
}

const workers = async (parent: string) =>
  (await run('ps', ['-eo', 'pid=,ppid='])).stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid)
