import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { settings } from '../helper.ts'
import { temporaryFolder } from '../server/spawn.ts'

const SCRIPT = join(import.meta.dirname, '../../deploy/check-settings.ts')

test('a folder that is too deep for the sockets of PM2 is refused', async (t) => {
  const home = temporaryFolder(t)
  const env = { ...(await settings(t)), PATH: process.env.PATH }
  const check = (length: number) => {
    const cwd = join(home, 'x'.repeat(length - home.length - '//.pm2/rpc.sock'.length))
    mkdirSync(cwd)
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd, env, encoding: 'utf8' })
    return { status, stderr }
  }
  t.match(check(103), { status: 0, stderr: '' })
  t.match(check(105), { status: 1, stderr: /^The path of this folder is 2 bytes too long/ })
})
