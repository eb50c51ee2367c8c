import t from 'tap'
import { Type } from 'typebox'
import { type Env, parseConfig } from '../../plugins/config/index.ts'
import type { Feature } from '../../plugins/features/feature.ts'
import { GOOD, refused } from './good-settings.ts'

/** The line of a refusal about one setting. */
function lineOf(name: string, change: Env, features: Feature[] = []) {
  try {
    parseConfig({ ...GOOD, ...change }, features)
    return ''
  } catch (error) {
    return (error as Error).message.split('\n').find((line) => line.startsWith(`- ${name}`)) ?? ''
  }
}

t.test('each line says what was read and what to write', async (t) => {
  const cases: [string, string | undefined, string][] = [
    ['PORT', 'http', 'it is "http"; set it to a whole number from 0 to 65535'],
    ['S3_REGION', undefined, 'it is not set; set it to a region such as eu-central-1'],
    ['S3_PRESIGN', 'yes', 'it is "yes"; set it to true or false'],
    [
      'TRUST_PROXY',
      '10.0.0.1, 300.1.1.1',
      'it is "10.0.0.1, 300.1.1.1"; 300.1.1.1 is neither an address nor a network; set it to the addresses of your proxies, for example 10.0.0.0/8, to true or to false',
    ],
    [
      'S3_ENDPOINT',
      'https://host/s3?x',
      'it is "https://host/s3?***"; leave out its query (from the ? on): set it to https://host/s3',
    ],
  ]
  for (const [name, value, line] of cases) {
    t.equal(lineOf(name, { [name]: value }), `- ${name}: ${line}`)
  }
})

t.test('values that may be secret are not shown', async (t) => {
  const env: Env = {
    NODE_ENV: 'production',
    PORT: 'eighty-eighty',
    DATABASE_URL: 'postgres://root:hunter2@db/name',
    JWT_SECRETS: 'correct-horse',
    S3_ENDPOINT: 'https://me:swordfish@host/?token=sesame',
    MEDIA_BASE_URL: 'https://me:sword/fish@cdn.example#sesame',
  }
  t.strictSame(refused(env).sort(), [
    'DATABASE_URL',
    'JWT_SECRETS',
    'MEDIA_BASE_URL',
    'PORT',
    'S3_BUCKET',
    'S3_ENDPOINT',
    'S3_REGION',
  ])
  const told = t.throws(() => parseConfig(env)) as Error
  for (const secret of ['hunter2', 'correct-horse', 'swordfish', 'fish@', 'sesame'])
    t.notMatch(told.message, secret)
  t.match(
    told.message,
    'mysql://user:password@host:port/name',
    'the line says what to write instead',
  )
  t.match(told.message, 'openssl rand')
})

t.test('settings of features are read and reported in the same way', async (t) => {
  const settings = Type.Object({
    NEST_MAX: Type.Integer({ minimum: 1, default: 5, description: 'how many eggs fit' }),
    NEST_WARM: Type.Optional(Type.Boolean()),
    NEST_KEY: Type.Optional(Type.String({ minLength: 9, description: 'the key of your nest' })),
    NEST_TOKEN: Type.Optional(
      Type.Union([Type.Literal('off'), Type.String({ minLength: 20, description: 'a token' })]),
    ),
    NEST_TREE: Type.Optional(Type.String({ pattern: '^oak$', secret: false })),
  })
  const features = [{ name: 'nests', settings } as Partial<Feature> as Feature]
  const parsed = parseConfig({ ...GOOD, NEST_MAX: '7', NEST_WARM: 'false' }, features)
  t.match(parsed, { nests: { NEST_MAX: 7, NEST_WARM: false } })
  for (const text of ['0', '1.5', '1e3', '0x10', 'true', ' 5', '9'.repeat(20)]) {
    t.equal(
      lineOf('NEST_MAX', { NEST_MAX: text }, features),
      `- NEST_MAX (nests): it is "${text}"; set it to a whole number of at least 1: how many eggs fit`,
    )
  }
  const line = (name: string, text: string) => lineOf(name, { [name]: text }, features)
  t.match(line('NEST_WARM', '1'), /it is "1"; set it to true or false$/)
  t.match(
    line('NEST_KEY', 'hunter2'),
    /it is a text of 7 characters, not shown here; set it to the/,
  )
  t.match(
    line('NEST_TOKEN', 'hunter2'),
    /it is a text of 7 characters, not shown here; set it to off$/,
  )
  t.match(line('NEST_TREE', 'elm'), /it is "elm"; set it to a valid value/)
})
