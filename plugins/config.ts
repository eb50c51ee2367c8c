import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Settings } from 'fastify'
import fp from 'fastify-plugin'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { connectionOptions, databaseProblems } from '../db/connection-options.ts'
import { type Feature, nameOf } from './features/discover.ts'
import { readSettings } from './features/settings.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
  /** An extension's own settings, by its name; added by merging. */
  interface Settings {}
}

export type Env = Record<string, string | undefined>
export type Config = ReturnType<typeof shape> & Settings

// RFC 7518, section 3.2: an HS256 key has at least as many bits as the hash, that is 32 bytes.
const JWT_SECRET_MIN_BYTES = 32

const Flag = Type.Union([Type.Literal('true'), Type.Literal('false')])

const KernelSettings = Type.Object({
  NODE_ENV: Type.Union(
    ['development', 'production', 'test'].map((name) => Type.Literal(name)),
    { default: 'development' },
  ),
  HOST: Type.Optional(Type.String({ minLength: 1 })),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 }),
  LOCAL_DIR: Type.String({ minLength: 1, default: '.local' }),
  // What is wrong with these three is said by db/connection-options.ts.
  DATABASE_URL: Type.String(),
  DATABASE_TLS: Type.Optional(Type.String()),
  DATABASE_CA: Type.Optional(Type.String()),
  S3_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://' })),
  S3_REGION: Type.String({ minLength: 1 }),
  S3_BUCKET: Type.String({ minLength: 3, maxLength: 63 }),
  S3_FORCE_PATH_STYLE: Type.Optional(Flag),
  S3_PRESIGN: Type.Optional(Flag),
  MEDIA_BASE_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  JWT_SECRETS: Type.String({ minLength: 1 }),
  // A number of hops would trust whoever connects directly; Fastify refuses it as well.
  TRUST_PROXY: Type.String({
    pattern:
      '^(true|false|((loopback|linklocal|uniquelocal|[0-9a-fA-F]*[.:][0-9a-fA-F.:]+(/\\d+)?)(, *|$))+)$',
    default: 'false',
  }),
  CORS_ORIGIN: Type.String({ default: '' }),
  LOG_LEVEL: Type.Union(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((l) => Type.Literal(l)),
    { default: 'info' },
  ),
  EXTENSIONS: Type.String({ default: '' }),
  EXTENSIONS_OPTIONAL: Type.String({ default: '' }),
  DEMO_DATA: Type.Union([Type.Literal('true'), Type.Literal('false')], { default: 'false' }),
})

/** What to write for a setting that is missing or wrong; never shows the value, it may be secret. */
const EXPECTED: Record<string, string> = {
  NODE_ENV: 'development, production or test',
  PORT: 'a whole number from 0 to 65535',
  DATABASE_URL: 'mysql://user:password@host:port/name',
  S3_ENDPOINT: 'an http or https URL, or nothing for Amazon S3',
  S3_REGION: 'a region such as eu-central-1',
  S3_BUCKET: 'the name of an existing bucket, 3 to 63 characters',
  S3_FORCE_PATH_STYLE: 'true or false',
  S3_PRESIGN: 'true or false',
  MEDIA_BASE_URL: 'an http or https URL',
  JWT_SECRETS: `one or more secrets of at least ${JWT_SECRET_MIN_BYTES} bytes, newest first, comma-separated`,
  TRUST_PROXY: 'true, false, or the addresses of your proxies, for example 10.0.0.0/8',
  LOG_LEVEL: 'trace, debug, info, warn, error, fatal or silent',
  DEMO_DATA: 'true or false',
}

export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** The environment over `.env` in the working directory; empty values count as not set. */
export function readEnv(): Env {
  const file: Env = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
  return Object.fromEntries(
    Object.entries({ ...file, ...process.env }).filter(([, value]) => value !== ''),
  )
}

/**
 * The kernel's settings and those of the extensions.
 * @throws ConfigError that lists every missing or weak setting at once; ExtensionError when only an
 * optional extension lacks some.
 */
export function parseConfig(env: Env, features: Feature[] = []): Config {
  const known = Object.keys(KernelSettings.properties).map((key) => [key, env[key]] as const)
  const given = Object.fromEntries(known.filter(([, value]) => value !== undefined))
  const port = given.PORT === undefined ? {} : { PORT: toNumber(given.PORT) }
  const values = Value.Default(KernelSettings, { ...given, ...port })
  const reserved = Object.keys(KernelSettings.properties)
  const optional = listOf(env.EXTENSIONS_OPTIONAL ?? '').map(nameOf)
  const extensions = readSettings(features, env, reserved, optional)
  const problems = [
    ...shapeProblems(values),
    ...(given.DATABASE_URL === undefined ? [] : databaseProblems(given)),
    ...weakSecrets(given),
    ...twoAddresses(given),
    ...extensions.problems,
  ]
  if (problems.length > 0) {
    throw new ConfigError(`These settings need attention:\n${problems.join('\n')}`)
  }
  if (extensions.left) throw extensions.left
  return { ...shape(values as Static<typeof KernelSettings>), ...extensions.values }
}

function shape(s: Static<typeof KernelSettings>) {
  const production = s.NODE_ENV === 'production'
  const pathStyle = s.S3_FORCE_PATH_STYLE === 'true'
  return {
    production,
    host: s.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: s.PORT,
    localDir: resolve(s.LOCAL_DIR),
    database: connectionOptions(s),
    s3: {
      endpoint: s.S3_ENDPOINT,
      region: s.S3_REGION,
      bucket: s.S3_BUCKET,
      forcePathStyle: pathStyle,
      presign: s.S3_PRESIGN === 'true',
    },
    mediaBaseUrl: (s.MEDIA_BASE_URL ?? bucketUrl(s, pathStyle)).replace(/\/+$/, ''),
    jwtSecrets: listOf(s.JWT_SECRETS),
    trustProxy: trustProxy(s.TRUST_PROXY),
    corsOrigin: s.CORS_ORIGIN === '*' ? '*' : listOf(s.CORS_ORIGIN),
    logLevel: s.LOG_LEVEL,
    demoData: s.DEMO_DATA === 'true',
  }
}

function shapeProblems(values: unknown) {
  const names = Value.Errors(KernelSettings, values).flatMap((error) =>
    error.keyword === 'required'
      ? error.params.requiredProperties
      : [error.instancePath.split('/')[1] ?? ''],
  )
  const unique = [...new Set(names)].filter(Boolean)
  return unique.map((name) => `- ${name}: set it to ${EXPECTED[name] ?? 'a non-empty value'}`)
}

function weakSecrets(given: Env) {
  const secrets = listOf(given.JWT_SECRETS ?? '')
  const weak = secrets.filter(
    (secret) => Buffer.byteLength(secret) < JWT_SECRET_MIN_BYTES || new Set(secret).size < 8,
  )
  return weak.length > 0 || (given.JWT_SECRETS && secrets.length === 0)
    ? [
        `- JWT_SECRETS: ${weak.length} of ${secrets.length} too weak; set it to ${EXPECTED.JWT_SECRETS}, for example from: openssl rand -base64 48`,
      ]
    : []
}

/** The signature holds for the bucket's own host; a CDN reads a private bucket with a right of its own. */
const twoAddresses = ({ S3_PRESIGN, MEDIA_BASE_URL }: Env) =>
  S3_PRESIGN === 'true' && MEDIA_BASE_URL
    ? ['- S3_PRESIGN: set it to false, or leave MEDIA_BASE_URL out; signed URLs lead to the bucket']
    : []

function bucketUrl(s: Static<typeof KernelSettings>, pathStyle: boolean) {
  if (!s.S3_ENDPOINT) return `https://${s.S3_BUCKET}.s3.${s.S3_REGION}.amazonaws.com`
  const endpoint = new URL(s.S3_ENDPOINT)
  if (pathStyle) return `${endpoint.origin}/${s.S3_BUCKET}`
  return `${endpoint.protocol}//${s.S3_BUCKET}.${endpoint.host}`
}

const trustProxy = (value: string) =>
  value === 'true' || value === 'false' ? value === 'true' : listOf(value)

export const listOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

const toNumber = (value: string) => (/^\d+$/.test(value) ? Number(value) : value)

export default fp<{ config: Config }>(
  async (app, { config }) => {
    app.decorate('config', config)
  },
  { name: 'config' },
)
