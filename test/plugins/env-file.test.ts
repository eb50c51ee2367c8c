import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readEnv } from '../../plugins/config/index.ts'

const TEXT = 'S3_BUCKET=pictures\r\nS3_REGION="Zürich"\r\n'
const littleEndian = Buffer.from(TEXT, 'utf16le')
const bigEndian = Buffer.from(littleEndian).swap16()

/** Works in an empty folder, without settings that the test's own environment may have. */
function inFolder(t: Test) {
  const [home, before] = [process.cwd(), { ...process.env }]
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-env-'))
  process.chdir(folder)
  for (const name of ['S3_BUCKET', 'S3_REGION', 'AWS_PROFILE']) delete process.env[name]
  t.teardown(() => {
    process.chdir(home)
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
    rmSync(folder, { recursive: true })
  })
}

t.test('the environment overrides .env, and empty means not set', async (t) => {
  inFolder(t)
  t.notOk('S3_BUCKET' in readEnv(), 'no file is fine')
  writeFileSync('.env', '# mine\nLOG_LEVEL=debug\nS3_BUCKET="from file"\nS3_REGION=\n')
  Object.assign(process.env, { LOG_LEVEL: 'warn', CORS_ORIGIN: '', S3_BUCKET: '' })
  const env = readEnv()
  t.equal(env.LOG_LEVEL, 'warn')
  t.equal(env.S3_BUCKET, 'from file')
  t.notOk('CORS_ORIGIN' in env)
  t.notOk('S3_REGION' in env)
})

t.test('.env may be in any Unicode encoding, with a byte order mark or without', async (t) => {
  inFolder(t)
  const files: Record<string, Buffer> = {
    'UTF-8': Buffer.from(TEXT),
    'UTF-8 with a mark': Buffer.from(`\ufeff${TEXT}`),
    'UTF-16 little-endian': Buffer.concat([Buffer.from([0xff, 0xfe]), littleEndian]),
    'UTF-16 big-endian': Buffer.concat([Buffer.from([0xfe, 0xff]), bigEndian]),
    'UTF-16 little-endian without a mark': littleEndian,
    'UTF-16 big-endian without a mark': bigEndian,
  }
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync('.env', bytes)
    t.match(readEnv(), { S3_BUCKET: 'pictures', S3_REGION: 'Zürich' }, name)
  }
})

t.test('an unreadable .env is an error that says what to do', async (t) => {
  inFolder(t)
  const notUtf8 = [
    Buffer.from(TEXT, 'latin1'),
    Buffer.from('S3_BUCKET=a\0b'),
    Buffer.concat([littleEndian, Buffer.from([0x41])]),
  ]
  for (const bytes of notUtf8) {
    writeFileSync('.env', bytes)
    t.throws(readEnv, { name: 'ConfigError', message: /\.env is not UTF-8\. Save it as UTF-8/ })
  }
  rmSync('.env')
  mkdirSync('.env')
  t.throws(readEnv, { name: 'ConfigError', message: /\.env is a folder\. Remove it/ })
})

t.test('settings of the AWS SDK may be in .env', async (t) => {
  inFolder(t)
  writeFileSync('.env', 'AWS_PROFILE=birds\nAWS_ACCESS_KEY_ID=file\n')
  process.env.AWS_ACCESS_KEY_ID = 'environment'
  readEnv()
  t.match(process.env, { AWS_PROFILE: 'birds', AWS_ACCESS_KEY_ID: 'environment' })
})
