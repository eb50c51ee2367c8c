import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, type Env, parseConfig, readEnv } from '../../plugins/config.ts'

const SECRET = 'a5sJ9xQ2mV7cR1tB8nW4kY6pL3dF0gHz'
const GOOD: Env = {
  DATABASE_URL: 'mysql://user:pass@db.example:3306/birdhouse',
  S3_REGION: 'eu-central-1',
  S3_BUCKET: 'pictures',
  JWT_SECRETS: SECRET,
}
const parse = (change: Env = {}) => parseConfig({ ...GOOD, ...change })

/** The settings a refusal names. */
function refused(env: Env) {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').flatMap((line) => line.match(/^- (\w+):/)?.[1] ?? [])
  }
}

t.test('what is not set has a sensible value', async (t) => {
  t.match(parse(), {
    production: false,
    host: '127.0.0.1',
    port: 3000,
    database: { host: 'db.example', port: 3306, database: 'birdhouse', timezone: 'Z' },
    s3: { endpoint: undefined, region: 'eu-central-1', bucket: 'pictures', forcePathStyle: false },
    mediaBaseUrl: 'https://pictures.s3.eu-central-1.amazonaws.com',
    jwtSecrets: [SECRET],
    trustProxy: false,
    corsOrigin: [],
    logLevel: 'info',
    demoData: false,
  })
  t.match(parse().localDir, /\/\.local$/)
  t.match(parse({ NODE_ENV: 'production' }), { production: true, host: '0.0.0.0' })
  t.equal(parse({ NODE_ENV: 'production', HOST: '10.0.0.5' }).host, '10.0.0.5')
})

t.test('each setting is taken', async (t) => {
  const cases: [Env, object][] = [
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ JWT_SECRETS: `${SECRET}, ${SECRET}x` }, { jwtSecrets: [SECRET, `${SECRET}x`] }],
    [{ TRUST_PROXY: 'true' }, { trustProxy: true }],
    [{ TRUST_PROXY: '10.0.0.0/8, ::1' }, { trustProxy: ['10.0.0.0/8', '::1'] }],
    [{ TRUST_PROXY: 'loopback,10.1.2.3' }, { trustProxy: ['loopback', '10.1.2.3'] }],
    [{ CORS_ORIGIN: '*' }, { corsOrigin: '*' }],
    [
      { CORS_ORIGIN: 'https://a.example,https://b.example' },
      { corsOrigin: ['https://a.example', 'https://b.example'] },
    ],
    [{ DEMO_DATA: 'true' }, { demoData: true }],
    [{ LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
    [{ MEDIA_BASE_URL: 'https://cdn.example/p/' }, { mediaBaseUrl: 'https://cdn.example/p' }],
    [{ S3_ENDPOINT: 'http://s3:9000' }, { mediaBaseUrl: 'http://pictures.s3:9000' }],
    [
      { S3_ENDPOINT: 'http://s3:9000', S3_FORCE_PATH_STYLE: 'true' },
      { mediaBaseUrl: 'http://s3:9000/pictures' },
    ],
  ]
  for (const [change, expected] of cases) t.match(parse(change), expected, JSON.stringify(change))
})

t.test('each wrong setting is named', async (t) => {
  const bad: Env[] = [
    { NODE_ENV: 'prod' },
    { PORT: '65536' },
    { PORT: '-1' },
    { PORT: '80.5' },
    { PORT: '0x50' },
    { PORT: 'http' },
    { DATABASE_URL: 'postgres://user:pass@db/name' },
    { DATABASE_URL: 'mysql://user:pass@db:3306' },
    { DATABASE_URL: 'mysql://user:pass@db:3306/' },
    { S3_ENDPOINT: 's3:9000' },
    { S3_BUCKET: 'ab' },
    { S3_BUCKET: 'x'.repeat(64) },
    { S3_FORCE_PATH_STYLE: 'yes' },
    { S3_PRESIGN: 'yes' },
    { MEDIA_BASE_URL: 'cdn.example' },
    { TRUST_PROXY: '1' },
    { TRUST_PROXY: 'my-proxy' },
    { LOG_LEVEL: 'loud' },
    { DEMO_DATA: '1' },
    { JWT_SECRETS: 'short' },
    { JWT_SECRETS: ' , ' },
    { JWT_SECRETS: 'x'.repeat(64) },
    { JWT_SECRETS: `${SECRET},short` },
  ]
  for (const change of bad) {
    t.strictSame(refused({ ...GOOD, ...change }), Object.keys(change), JSON.stringify(change))
  }
  const both = { S3_PRESIGN: 'true', MEDIA_BASE_URL: 'https://cdn.example' }
  t.strictSame(refused({ ...GOOD, ...both }), ['S3_PRESIGN'], 'a CDN has other signatures')
  t.strictSame(refused({ ...GOOD, ...both, S3_PRESIGN: 'false' }), [])
  for (const name of Object.keys(GOOD))
    t.strictSame(refused({ ...GOOD, [name]: undefined }), [name])
})

t.test('everything wrong is told at once, and nothing of what was given', async (t) => {
  const env: Env = {
    NODE_ENV: 'production',
    PORT: 'eighty-eighty',
    DATABASE_URL: 'postgres://root:hunter2@db/name',
    JWT_SECRETS: 'correct-horse',
  }
  t.strictSame(refused(env).sort(), [
    'DATABASE_URL',
    'JWT_SECRETS',
    'PORT',
    'S3_BUCKET',
    'S3_REGION',
  ])
  const told = t.throws(() => parseConfig(env)) as Error
  for (const secret of ['hunter2', 'correct-horse', 'eighty-eighty'])
    t.notMatch(told.message, secret)
  t.match(told.message, 'mysql://user:password@host:port/name', 'it says what to write instead')
  t.match(told.message, 'openssl rand')
})

t.test('the environment goes over .env; empty counts as not set', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-config-'))
  const home = process.cwd()
  const { LOG_LEVEL, S3_BUCKET, CORS_ORIGIN } = process.env
  t.teardown(() => {
    process.chdir(home)
    rmSync(folder, { recursive: true })
    for (const [name, value] of Object.entries({ LOG_LEVEL, S3_BUCKET, CORS_ORIGIN })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  process.chdir(folder)
  t.equal(readEnv().S3_BUCKET, S3_BUCKET, 'no file is fine')
  writeFileSync('.env', '# mine\nLOG_LEVEL=debug\nS3_BUCKET="from file"\nS3_REGION=\n')
  Object.assign(process.env, { LOG_LEVEL: 'warn', CORS_ORIGIN: '' })
  delete process.env.S3_BUCKET
  const env = readEnv()
  t.equal(env.LOG_LEVEL, 'warn')
  t.equal(env.S3_BUCKET, 'from file')
  t.notOk('CORS_ORIGIN' in env)
  t.notOk('S3_REGION' in env)
})
