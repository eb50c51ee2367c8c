import { join, resolve } from 'node:path'
import type { Settings } from 'fastify'
import fp from 'fastify-plugin'
import packageJson from '../../package.json' with { type: 'json' }
import { connectionOptions, replicaOptions } from '../db/connection-options.ts'
import { nameOf } from '../features/discover.ts'
import type { Feature } from '../features/feature.ts'
import { readSettings } from '../features/settings.ts'
import { readBaseUrl, readOrigins, readProxies } from './addresses.ts'
import type { Env } from './env.ts'
import { contradictions, KernelSettings, type KernelValues } from './kernel.ts'
import { readLimits } from './limits.ts'
import { readMailUrl } from './mail-url.ts'
import { readRedisUrl } from './redis-url.ts'
import { readSecrets } from './secrets.ts'
import { ConfigError, judge, listOf } from './setting.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
  /** An extension's settings by the extension's name; added by declaration merging. */
  interface Settings {}
}

export { type Env, readEnv } from './env.ts'
export { KernelSettings } from './kernel.ts'
export { ConfigError, listOf } from './setting.ts'

export type Config = ReturnType<typeof shape> & Settings

/**
 * Reads the settings of the kernel and the extensions.
 * @throws ConfigError that lists every missing or wrong setting; ExtensionError when only settings of an
 * optional extension are wrong
 */
export function parseConfig(env: Env, features: Feature[] = []): Config {
  const kernel = judge(KernelSettings, env)
  const reserved = Object.keys(KernelSettings.properties)
  const optional = listOf(env.EXTENSIONS_OPTIONAL ?? '').map(nameOf)
  const extensions = readSettings(features, env, reserved, optional)
  const problems = [...kernel.problems, ...contradictions(env), ...extensions.problems]
  if (problems.length > 0) {
    throw new ConfigError(`Correct these settings:\n${problems.join('\n')}`)
  }
  if (extensions.left) throw extensions.left
  // The schema has checked the values.
  return { ...shape(kernel.values as KernelValues, instanceOf(env)), ...extensions.values }
}

/** PM2 numbers the processes of a machine from 0; each one has a metrics port of its own. */
const instanceOf = ({ NODE_APP_INSTANCE = '' }: Env) =>
  /^\d{1,3}$/.test(NODE_APP_INSTANCE) ? Number(NODE_APP_INSTANCE) : 0

function shape(s: KernelValues, instance: number) {
  const production = s.NODE_ENV === 'production'
  const publicUrl = s.PUBLIC_URL && readBaseUrl(s.PUBLIC_URL)
  return {
    version: packageJson.version,
    production,
    cheapPasswords: s.NODE_ENV === 'test',
    host: s.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: s.PORT,
    localDir: resolve(s.LOCAL_DIR),
    database: connectionOptions(s),
    replicas: replicaOptions(s),
    poolSize: s.DATABASE_POOL_SIZE,
    s3: {
      endpoint: s.S3_ENDPOINT && readBaseUrl(s.S3_ENDPOINT),
      region: s.S3_REGION,
      bucket: s.S3_BUCKET,
      forcePathStyle: s.S3_FORCE_PATH_STYLE === 'true',
      presign: s.S3_PRESIGN === 'true',
    },
    /** The address of the service without a slash at its end, if the operator names one. */
    publicUrl,
    /** The public address, or outside of production the one at which `npm start` says that it listens. */
    address: publicUrl ?? (production ? undefined : `http://localhost:${s.PORT}`),
    site: { name: s.SITE_NAME, description: s.SITE_DESCRIPTION },
    mediaBaseUrl: s.MEDIA_BASE_URL && readBaseUrl(s.MEDIA_BASE_URL),
    jwtSecrets: readSecrets(s.JWT_SECRETS),
    secondFactorKeys: s.SECOND_FACTOR_KEYS ? readSecrets(s.SECOND_FACTOR_KEYS) : [],
    trustProxy: readProxies(s.TRUST_PROXY),
    corsOrigin: s.CORS_ORIGIN ? readOrigins(s.CORS_ORIGIN) : [],
    logLevel: s.LOG_LEVEL,
    maxRequests: s.MAX_REQUESTS,
    metrics: s.METRICS_PORT ? { host: s.METRICS_HOST, port: s.METRICS_PORT + instance } : undefined,
    demoData: s.DEMO_DATA === 'true',
    redis: s.REDIS_URL ? readRedisUrl(s.REDIS_URL) : undefined,
    mail: {
      url: s.MAIL_URL ? readMailUrl(s.MAIL_URL) : undefined,
      from: s.MAIL_FROM ?? 'birdhouse@localhost',
      /** Where mails are kept as files without MAIL_URL. */
      folder: s.NODE_ENV === 'development' ? join(resolve(s.LOCAL_DIR), 'mail') : undefined,
    },
    limits: {
      read: readLimits(s.LIMIT_READ),
      write: readLimits(s.LIMIT_WRITE),
      upload: readLimits(s.LIMIT_UPLOAD),
      stream: readLimits(s.LIMIT_STREAM),
      'sign-up': readLimits(s.LIMIT_SIGN_UP),
      login: readLimits(s.LIMIT_LOGIN),
      refresh: readLimits(s.LIMIT_REFRESH),
      mail: readLimits(s.LIMIT_MAIL),
    },
  }
}

export default fp<{ config: Config }>(
  async (app, { config }) => {
    app.decorate('config', config)
  },
  { name: 'config' },
)
