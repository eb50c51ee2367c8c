import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Env } from '../../plugins/config/index.ts'
import { temporaryFolder } from '../server/spawn.ts'

const SCRIPT = join(import.meta.dirname, '../../deploy/check-settings.ts')
const folder = mkdtempSync(join(tmpdir(), 'birdhouse-deploy-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const GOOD: Env = {
  DATABASE_URL: 'mysql://user:pass@db.example:3306/birdhouse',
  S3_REGION: 'eu-central-1',
  S3_BUCKET: 'pictures',
  JWT_SECRETS: 'a5sJ9xQ2mV7cR1tB8nW4kY6pL3dF0gHz',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
}

/** The error of `npm run prod` before it starts anything; empty when it goes on. */
function complaint(env: Env) {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
  t.equal(status, stderr ? 1 : 0)
  return stderr
}

t.test('npm run prod checks all settings before PM2 starts a process', async (t) => {
  t.equal(complaint(GOOD), '')
  const told = complaint({ ...GOOD, PORT: 'http', CORS_ORIGIN: 'a.example', LIVE_KEEP_HOURS: '0' })
  for (const name of ['PORT', 'CORS_ORIGIN', 'LIVE_KEEP_HOURS \\(live\\)'])
    t.match(told, new RegExp(`^- ${name}: it is "`, 'm'))
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...without } = GOOD
  t.match(complaint(without), /^No credentials for the bucket pictures were found/)
  writeFileSync(
    join(folder, '.env'),
    `AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID}\nAWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}\n`,
  )
  t.equal(complaint(without), '', 'they may be in .env')
})

t.test('a missing optional extension is not reported', async (t) => {
  const EXTENSIONS = './birdhouse-nowhere'
  t.match(complaint({ ...GOOD, EXTENSIONS }), /^Extension nowhere: EXTENSIONS names/)
  t.equal(complaint({ ...GOOD, EXTENSIONS, EXTENSIONS_OPTIONAL: EXTENSIONS }), '')
})

t.test('a path that is too long for the sockets of PM2 is rejected', async (t) => {
  const home = temporaryFolder(t)
  const env = { ...GOOD, PATH: process.env.PATH, HOME: home, AWS_EC2_METADATA_DISABLED: 'true' }
  const check = (length: number) => {
    const cwd = join(home, 'x'.repeat(length - home.length - '//.pm2/rpc.sock'.length))
    mkdirSync(cwd)
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd, env, encoding: 'utf8' })
    return { status, stderr }
  }
  t.match(check(103), { status: 0, stderr: '' })
  t.match(check(105), { status: 1, stderr: /^The path of this folder is 2 bytes too long/ })
})
