import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { build } from '../../app.ts'
import type { Env } from '../../plugins/config/index.ts'
import { settings } from '../helper.ts'

async function prove(env: Env) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../deploy/prove.ts')], {
    cwd: tmpdir(),
    env: { ...process.env, ...env },
  })
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
    const app = await build(env, undefined, 'command')
    t.teardown(() => app.close())
    const { jobs } = app.tables
    await app.transaction((tx) => app.jobs.add(tx, ['signUp.tell'], { email: '', reason: null }))
    t.strictSame(await prove(env), { code: 0, errors: '' })
    t.match(await app.db.select().from(jobs), [{ name: 'signUp.tell', attempts: 0, token: null }])

    const broken = await prove({ ...env, EXTENSIONS: './no-such-extension' })
    t.equal(broken.code, 1)
    t.match(broken.errors, /no-such-extension/)
    t.match(broken.errors, /no running process was replaced\.\n$/)
  },
)
