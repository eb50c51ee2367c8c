import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startLocal } from '../../local/index.ts'
import type { Env } from '../../plugins/config/index.ts'
import { runningIn, temporaryFolder } from '../server/spawn.ts'

const PATH = process.env.PATH

/** The one sentence with which starting the local stores fails; nothing is left running. */
async function refusal(env: Env) {
  const stops: (() => Promise<unknown>)[] = []
  const failure = await startLocal(
    { PATH, ...env },
    () => {},
    (stop) => stops.push(stop),
  ).catch((error: Error) => error.message)
  for (const stop of stops.reverse()) await stop()
  return String(failure)
}

test('given settings are used and no store is started', async (t) => {
  const env = {
    DATABASE_URL: 'mysql://user@host/name',
    S3_BUCKET: 'bucket',
    S3_REGION: 'region',
    JWT_SECRETS: 'x',
    SECOND_FACTOR_KEYS: 'x',
  }
  const fail = () => t.fail('something was started')
  t.equal(await startLocal(env, fail, fail), env)
  const production = { NODE_ENV: 'production' }
  t.equal(await startLocal(production, fail, fail), production)
})

test('wrong settings are named before anything is started', async (t) => {
  const LOCAL_DIR = join(temporaryFolder(t), 'local')
  const sentence = await refusal({ LOCAL_DIR, PORT: 'many', LOG_LEVEL: 'loud' })
  t.match(sentence, /^Correct these settings:\n- PORT: .*\n- LOG_LEVEL: .*$/)
})

test('an impossible LOCAL_DIR is rejected with advice', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  t.match(await refusal({ LOCAL_DIR: join(folder, 'file') }), /is a file\. Set LOCAL_DIR/)
  t.match(await refusal({ LOCAL_DIR: join(folder, 'file/in') }), /no folder\. Set LOCAL_DIR/)
  const long = join(folder, 'a'.repeat(200), 'b'.repeat(240))
  t.match(await refusal({ LOCAL_DIR: long }), /too long\. Set LOCAL_DIR/)
})

const isRoot = process.getuid?.() === 0 && 'root may write everywhere'

test('a LOCAL_DIR without write permission is rejected with advice', {
  skip: isRoot,
}, async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'locked'))
  chmodSync(join(folder, 'locked'), 0o500)
  t.match(await refusal({ LOCAL_DIR: join(folder, 'locked/local') }), /cannot be written/)
})

test('a full or read-only disk is reported with advice', async (t) => {
  const folder = temporaryFolder(t)
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
  try {
    mount('size=2m')
  } catch {
    return t.pass('full and read-only disks', { skip: 'mounting is not permitted here' })
  }
  t.teardown(() => execFileSync('umount', [folder]))
  const LOCAL_DIR = join(folder, 'local')
  const full = /^The disk that holds \S+ is full\. .*$/
  t.match(await refusal({ LOCAL_DIR }), full)
  // Now the files of an empty database fit, and the tables that come with it don't.
  mount('remount,size=122m')
  t.match(await refusal({ LOCAL_DIR }), full)
  for (let i = 0; i < 100 && runningIn(folder).length > 0; i++) await sleep(20)
  t.same(runningIn(folder), [])
  mount('remount,ro')
  t.match(await refusal({ LOCAL_DIR }), /^The disk that holds \S+ is read-only\. .*$/)
  t.match(await refusal({ LOCAL_DIR: join(folder, 'other') }), /may be read-only/)
})
