import { type Static, Type } from 'typebox'
import { databaseProblems } from '../db/connection-options.ts'
import { readBaseUrl, readHost, readOrigins, readProxies } from './addresses.ts'
import type { Env } from './env.ts'
import { LIMITS } from './limits.ts'
import { readMailUrl } from './mail-url.ts'
import { readRedisUrl } from './redis-url.ts'
import { readSecrets, SECRETS } from './secrets.ts'
import { problem, readable, words } from './setting.ts'

const SHOWN = { secret: false }
const Flag = Type.Optional(words(['true', 'false']))
const Url = Type.Optional(readable(readBaseUrl, SHOWN))

/** The kernel's settings. Messages about missing or wrong settings end with the `description`. */
export const KernelSettings = Type.Object({
  NODE_ENV: words(['development', 'production', 'test'], { default: 'development' }),
  HOST: Type.Optional(readable(readHost, SHOWN)),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 }),
  LOCAL_DIR: Type.String({ minLength: 1, default: '.local', ...SHOWN }),
  DATABASE_URL: Type.String({ description: 'mysql://user:password@host:port/name' }),
  DATABASE_REPLICA_URLS: Type.Optional(Type.String()),
  DATABASE_TLS: Type.Optional(Type.String()),
  DATABASE_CA: Type.Optional(Type.String()),
  // Extensions may use 16 at once: four transactions and four statements of requests, the same of jobs.
  DATABASE_POOL_SIZE: Type.Integer({
    minimum: 18,
    maximum: 200,
    default: 20,
    description: 'the most connections of a process to its database',
  }),
  S3_ENDPOINT: Url,
  S3_REGION: Type.String({
    // The AWS SDK requires one label of a host name.
    pattern: '^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$',
    description: 'a region such as eu-central-1',
    ...SHOWN,
  }),
  S3_BUCKET: Type.String({ description: 'the name of an existing bucket', ...SHOWN }),
  S3_FORCE_PATH_STYLE: Flag,
  S3_PRESIGN: Flag,
  MEDIA_BASE_URL: Url,
  PUBLIC_URL: Type.Optional(
    readable(readBaseUrl, {
      description: 'the address at which clients reach the service, such as https://host.example',
      ...SHOWN,
    }),
  ),
  SITE_NAME: Type.String({
    minLength: 1,
    maxLength: 60,
    default: 'Birdhouse',
    description: 'the name of this place, on its pages and in apps',
    ...SHOWN,
  }),
  SITE_DESCRIPTION: Type.String({
    maxLength: 300,
    default: 'A small place for short messages.',
    description: 'a sentence about this place, on its first page and in apps',
    ...SHOWN,
  }),
  JWT_SECRETS: readable(readSecrets, {
    description: SECRETS,
  }),
  SECOND_FACTOR_KEYS: Type.Optional(readable(readSecrets, { description: SECRETS })),
  // Not a number of hops: that would trust any client that connects directly.
  TRUST_PROXY: readable(readProxies, { default: 'false', ...SHOWN }),
  CORS_ORIGIN: Type.Optional(readable(readOrigins, SHOWN)),
  LOG_LEVEL: words(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
  }),
  EXTENSIONS: Type.String({ default: '', ...SHOWN }),
  EXTENSIONS_OPTIONAL: Type.String({ default: '', ...SHOWN }),
  DEMO_DATA: Flag,
  REDIS_URL: Type.Optional(
    readable(readRedisUrl, { description: 'a Redis that the processes share' }),
  ),
  MAIL_URL: Type.Optional(
    readable(readMailUrl, { description: 'an SMTP server: smtp://user:password@host:port' }),
  ),
  MAIL_FROM: Type.Optional(
    Type.String({
      format: 'email',
      description: 'the sender of mails, such as birdhouse@example.com',
      ...SHOWN,
    }),
  ),
  MAX_REQUESTS: Type.Integer({
    minimum: 1,
    default: 200,
    description: 'how many requests a process works on at once; others are 503 at once',
  }),
  METRICS_PORT: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_000 })),
  METRICS_HOST: readable(readHost, { default: '127.0.0.1', ...SHOWN }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Url,
  ...LIMITS,
})

export type KernelValues = Static<typeof KernelSettings>

export const contradictions = (env: Env) => [
  ...(env.DATABASE_URL ? databaseProblems(env) : []),
  ...bucketName(env),
  ...twoAddresses(env),
  ...halfCredentials(env),
  ...demoInProduction(env),
  ...halfMail(env),
]

/**
 * Amazon's rules for bucket names
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). Other stores accept more
 * names; the SDK puts a name that cannot be part of a host into the path.
 */
function bucketName({ S3_BUCKET: name, S3_ENDPOINT }: Env) {
  if (!name) return []
  const good = S3_ENDPOINT
    ? /^[\w.-]{3,63}$/.test(name) && !/^\.+$/.test(name)
    : /^[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/^(\d+\.){3}\d+$/.test(name)
  const rule = S3_ENDPOINT
    ? '3 to 63 letters, digits, dots, dashes and underscores'
    : '3 to 63 lower-case letters, digits, dots and dashes, with a letter or a digit at each end'
  return good
    ? []
    : [problem('S3_BUCKET', name, `set it to the name of an existing bucket: ${rule}`)]
}

/** Signed URLs are valid only for the bucket's host; a CDN reads a private bucket with its own credentials. */
const twoAddresses = ({ S3_PRESIGN, MEDIA_BASE_URL }: Env) =>
  S3_PRESIGN === 'true' && MEDIA_BASE_URL
    ? [
        problem(
          'S3_PRESIGN',
          S3_PRESIGN,
          'set it to false, or leave MEDIA_BASE_URL out; signed URLs lead to the bucket',
        ),
      ]
    : []

/** The demo accounts have a public password. */
const demoInProduction = ({ NODE_ENV, DEMO_DATA }: Env) =>
  NODE_ENV === 'production' && DEMO_DATA === 'true'
    ? [
        problem(
          'DEMO_DATA',
          DEMO_DATA,
          'leave it out in production: it adds accounts whose password is public',
        ),
      ]
    : []

/** The AWS SDK silently ignores half of a pair of credentials and searches elsewhere. */
function halfCredentials(env: Env) {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
  const [missing, ...more] = names.filter((name) => !env[name])
  const given = names.find((name) => env[name])
  if (!missing || !given || more.length > 0) return []
  return [
    problem(
      missing,
      undefined,
      `set it too, since ${given} is set, or leave both out where a role gives the credentials`,
    ),
  ]
}

function halfMail({ MAIL_URL, MAIL_FROM }: Env) {
  if (Boolean(MAIL_URL) === Boolean(MAIL_FROM)) return []
  return MAIL_URL
    ? [problem('MAIL_FROM', undefined, 'set it to the sender of mails, since MAIL_URL is set')]
    : [problem('MAIL_FROM', MAIL_FROM, 'set MAIL_URL as well, or leave MAIL_FROM out')]
}
