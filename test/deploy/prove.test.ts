import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build } from '../../app.ts'
import type { Env } from '../../plugins/config/index.ts'
import { extensionFolders, index } from '../extension-folder.ts'
import { settings } from '../helper.ts'

const start = (env: Env) =>
  spawn(process.execPath, [join(import.meta.dirname, '../../deploy/prove.ts')], {
    cwd: tmpdir(),
    env: { ...process.env, ...env },
  })

async function prove(env: Env) {
  const child = start(env)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  const [code] = await once(child, 'close')
  return { code, errors }
}

t.test(
  'a version is proven before it replaces processes, and takes no job meanwhile',
  async (t) => {
    const env = await settings(t)
    // A process of the version before serves its metrics meanwhile.
    const before = createServer().listen(0, '127.0.0.1')
    t.teardown(() => before.close())
    await once(before, 'listening')
    const { port } = before.address() as AddressInfo
    const app = await build(env, undefined, 'command')
    t.teardown(() => app.close())
    const { jobs } = app.tables
    await app.transaction((tx) => app.jobs.add(tx, ['signUp.tell'], { email: '', reason: null }))
    t.strictSame(await prove({ ...env, METRICS_PORT: String(port) }), { code: 0, errors: '' })
    t.match(await app.db.select().from(jobs), [{ name: 'signUp.tell', attempts: 0, token: null }])

    const broken = await prove({ ...env, EXTENSIONS: './no-such-extension' })
    t.equal(broken.code, 1)
    t.match(broken.errors, /no-such-extension/)
    t.match(broken.errors, /no running process was replaced\.\n$/)
  },
)

t.test(
  'the process of the version that is proven ends with the one that has started it',
  async (t) => {
    const folder = extensionFolders(t)('pid', {
      'index.js': index(`
      const { renameSync, writeFileSync } = await import('node:fs')
      writeFileSync(process.env.PID_FILE + '.new', String(process.pid))
      renameSync(process.env.PID_FILE + '.new', process.env.PID_FILE)
    `),
    })
    const file = join(folder, 'pid')
    const proving = start({ ...(await settings(t)), EXTENSIONS: folder, PID_FILE: file })
    while (!existsSync(file)) await sleep(20)
    proving.kill('SIGKILL')
    const pid = Number(readFileSync(file, 'utf8'))
    t.teardown(() => isAlive(pid) && process.kill(pid, 'SIGKILL'))
    while (isAlive(pid)) await sleep(20)
  },
)

function isAlive(pid: number) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
