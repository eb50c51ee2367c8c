import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import Fastify from 'fastify'
import t from 'tap'
import { type Env, parseConfig } from '../../plugins/config/index.ts'
import { GOOD, refused, SECRET } from './good-settings.ts'

const parse = (change: Env = {}) => parseConfig({ ...GOOD, ...change })

t.test('missing settings have defaults', async (t) => {
  t.match(parse(), {
    production: false,
    host: '127.0.0.1',
    port: 3000,
    database: { host: 'db.example', port: 3306, database: 'birdhouse', timezone: 'Z' },
    s3: { endpoint: undefined, region: 'eu-central-1', bucket: 'pictures', forcePathStyle: false },
    mediaBaseUrl: undefined,
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

t.test('each setting is read', async (t) => {
  const cases: [Env, object][] = [
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [
      {
        DATABASE_REPLICA_URLS: 'mysql://u:p@db2/name, mysql://u:p@db3:3307/name',
        DATABASE_TLS: 'on',
      },
      {
        database: { host: 'db.example', ssl: {} },
        replicas: [
          { host: 'db2', port: 3306, ssl: {} },
          { host: 'db3', port: 3307, ssl: {} },
        ],
      },
    ],
    [{ DATABASE_POOL_SIZE: '18' }, { poolSize: 18 }],
    [{ DATABASE_POOL_SIZE: '200' }, { poolSize: 200 }],
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
    [{ S3_ENDPOINT: 'HTTPS://S3.example:443/a/' }, { s3: { endpoint: 'https://s3.example/a' } }],
    [
      { S3_BUCKET: 'My_Pictures', S3_ENDPOINT: 'http://s3:9000', S3_FORCE_PATH_STYLE: 'true' },
      { s3: { bucket: 'My_Pictures' } },
    ],
    [{ TRUST_PROXY: 'fd00::/8,::ffff:10.0.0.1,10.0.0.0/1' }, {}],
    [{ HOST: '::1' }, { host: '::1' }],
    [{ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, {}],
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
    { HOST: 'http://127.0.0.1' },
    { HOST: '127.0.0.1:3000' },
    { HOST: '[::1]' },
    { DATABASE_POOL_SIZE: '17' },
    { DATABASE_REPLICA_URLS: 'mysql://user:pass@db/name,postgres://user:pass@db/name' },
    { DATABASE_REPLICA_URLS: 'db2' },
    { DATABASE_POOL_SIZE: '201' },
    { S3_ENDPOINT: 's3:9000' },
    { S3_ENDPOINT: 'http://' },
    { S3_ENDPOINT: 'https:///path' },
    { S3_ENDPOINT: 'https://user:pw@host' },
    { S3_ENDPOINT: 'https://host/?list' },
    { S3_ENDPOINT: 'https://host/#top' },
    { S3_ENDPOINT: 'https://host:99999' },
    { S3_ENDPOINT: 'ftp://host' },
    { S3_REGION: 'EU (Ireland)' },
    { S3_REGION: '-eu' },
    { S3_BUCKET: 'ab' },
    { S3_BUCKET: 'x'.repeat(64) },
    { S3_BUCKET: 'Pictures' },
    { S3_BUCKET: 'my_pictures' },
    { S3_BUCKET: '-pictures' },
    { S3_BUCKET: 'pictures.' },
    { S3_BUCKET: 'a..b' },
    { S3_BUCKET: '10.0.0.1' },
    { S3_BUCKET: 's3://pictures' },
    { S3_BUCKET: 'pictures/avatars' },
    { S3_FORCE_PATH_STYLE: 'yes' },
    { S3_PRESIGN: 'yes' },
    { MEDIA_BASE_URL: 'cdn.example' },
    { MEDIA_BASE_URL: 'https://' },
    { MEDIA_BASE_URL: 'https://cdn.example/?v=1' },
    { MEDIA_BASE_URL: 'https://me@cdn.example' },
    { TRUST_PROXY: '1' },
    { TRUST_PROXY: 'my-proxy' },
    { TRUST_PROXY: '300.1.1.1' },
    { TRUST_PROXY: '10.0.0.0/99' },
    { TRUST_PROXY: '10.0.0.0/0' },
    { TRUST_PROXY: '10.0.0' },
    { TRUST_PROXY: '1:2:3' },
    { TRUST_PROXY: 'fd00::/129' },
    { TRUST_PROXY: '10.0.0.1,nowhere' },
    { TRUST_PROXY: ',' },
    { LOG_LEVEL: 'loud' },
    { DEMO_DATA: '1' },
    { JWT_SECRETS: 'short' },
    { JWT_SECRETS: ' , ' },
    { JWT_SECRETS: 'x'.repeat(64) },
    { JWT_SECRETS: `${SECRET},short` },
    { JWT_SECRETS: 'abcdefghijklmnopqrstuvwxyz012345' },
    { JWT_SECRETS: '0123456789abcdef0123456789abcdef' },
    { JWT_SECRETS: 'T7q-w9Zx!bK2Lm$eT7q-w9Zx!bK2Lm$e' },
    { JWT_SECRETS: 'your-256-bit-key-for-production-secret' },
    { JWT_SECRETS: 'Please-Change-Me-before-you-go-live' },
    { NODE_ENV: 'production', DEMO_DATA: 'true' },
  ]
  for (const change of bad) {
    const names = Object.keys(change).filter((name) => change[name] !== 'production')
    t.strictSame(refused({ ...GOOD, ...change }), names, JSON.stringify(change))
  }
  t.strictSame(refused({ ...GOOD, AWS_ACCESS_KEY_ID: 'a' }), ['AWS_SECRET_ACCESS_KEY'])
  t.strictSame(refused({ ...GOOD, AWS_SECRET_ACCESS_KEY: 'b' }), ['AWS_ACCESS_KEY_ID'])
  const both = { S3_PRESIGN: 'true', MEDIA_BASE_URL: 'https://cdn.example' }
  t.strictSame(refused({ ...GOOD, ...both }), ['S3_PRESIGN'], 'a CDN has other signatures')
  t.strictSame(refused({ ...GOOD, ...both, S3_PRESIGN: 'false' }), [])
  for (const name of Object.keys(GOOD))
    t.strictSame(refused({ ...GOOD, [name]: undefined }), [name])
})

t.test('a long secret is checked without a search that takes seconds', async (t) => {
  const JWT_SECRETS = randomBytes(1_024).toString('hex')
  const before = process.cpuUsage().user
  t.strictSame(refused({ ...GOOD, JWT_SECRETS }), [])
  const milliseconds = (process.cpuUsage().user - before) / 1_000
  t.ok(milliseconds < 500, `it took ${milliseconds} ms`)
})

t.test('random secrets in the usual encodings are accepted', async (t) => {
  const refusedOf = (make: () => string) =>
    Array.from({ length: 5_000 }, make).filter((JWT_SECRETS) => {
      return refused({ ...GOOD, JWT_SECRETS }).length > 0
    })
  t.strictSame(
    refusedOf(() => randomBytes(16).toString('hex')),
    [],
  )
  t.strictSame(
    refusedOf(() => randomBytes(32).toString('hex')),
    [],
  )
  t.strictSame(
    refusedOf(() => randomBytes(48).toString('base64')),
    [],
  )
  t.strictSame(refusedOf(randomUUID), [])
})

t.test('Fastify accepts every valid TRUST_PROXY', async () => {
  const prefix = (max: number) => fc.option(fc.integer({ min: 0, max: max + 9 }))
  const network = fc
    .oneof(fc.tuple(fc.ipV4(), prefix(32)), fc.tuple(fc.ipV6(), prefix(128)))
    .map(([address, bits]) => (bits === null ? address : `${address}/${bits}`))
  const takes = (read: () => unknown) => {
    try {
      read()
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(fc.array(network, { minLength: 1, maxLength: 3 }), (list) => {
      const ours = takes(() => parse({ TRUST_PROXY: list.join(',') }))
      return ours === takes(() => Fastify({ trustProxy: list }))
    }),
  )
})
