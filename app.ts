import type { Server } from 'node:http'
import { join } from 'node:path'
import autoload from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyHttpOptions } from 'fastify'
import pTimeout from 'p-timeout'
import { migrate, type Progress } from './db/migrate.ts'
import { serializeRequest, trustedProxies } from './plugins/client-address.ts'
import { type Config, type Env, parseConfig } from './plugins/config/index.ts'
import { sendProblem, serializeError } from './plugins/errors.ts'
import { blame } from './plugins/features/error.ts'
import type { Feature } from './plugins/features/feature.ts'
import { loadFeatures } from './plugins/features/load.ts'
import { withoutBroken } from './plugins/features/optional.ts'
import { refuseClient } from './plugins/http/client-error.ts'
import { escapeMalformed } from './plugins/http/urls.ts'
import { requireBucket } from './plugins/s3/client.ts'

/** Bytes of a JSON body; the longest field, a profile, needs a tenth of it. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds to receive a request, at the very most; see plugins/deadline.ts. */
const REQUEST_TIMEOUT = 120_000
/** Milliseconds for the headers of a request. */
const HEADERS_TIMEOUT = 30_000
/** Milliseconds; above the 60 s idle time-out of common load balancers. */
const KEEP_ALIVE_TIMEOUT = 72_000
/** Milliseconds one plugin gets to load. */
const BOOT_TIMEOUT = 10_000
/** Milliseconds to close an app that could not be built. */
const CLOSE_TIMEOUT = 15_000

const serverOptions = (config: Config): FastifyHttpOptions<Server> => ({
  trustProxy: trustedProxies(config.trustProxy),
  bodyLimit: BODY_LIMIT,
  requestTimeout: REQUEST_TIMEOUT,
  http: { headersTimeout: HEADERS_TIMEOUT, requireHostHeader: false },
  // A schema says how long a part of a path may be.
  routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
  return503OnClosing: false,
  genReqId: () => crypto.randomUUID(),
  pluginTimeout: BOOT_TIMEOUT,
  frameworkErrors: sendProblem,
  rewriteUrl: escapeMalformed,
  clientErrorHandler: refuseClient,
  logger: {
    level: config.logLevel,
    serializers: { err: serializeError, req: serializeRequest },
    ...(process.stdout.isTTY && { transport: { target: 'pino-pretty' } }),
  },
})

/**
 * From settings to an app that is ready: the bucket, migrations, the kernel, every feature's service,
 * every feature's routes. Goes without an extension of EXTENSIONS_OPTIONAL that fails.
 */
export const build = (env: Env, progress: Progress = () => {}) =>
  withoutBroken(env, async (features, skipped) => {
    const config = parseConfig(env, features)
    const histories = features.flatMap(({ name, migrations }) =>
      migrations ? [{ owner: name, folder: migrations }] : [],
    )
    await requireBucket(config.s3)
    await migrate(config.database, progress, histories)
    return assemble(config, features, skipped)
  })

async function assemble(config: Config, features: Feature[], skipped: ReadonlyMap<string, string>) {
  const app = Fastify(serverOptions(config)).withTypeProvider<TypeBoxTypeProvider>()
  try {
    const options = { config, features, skipped }
    await app.register(autoload, { dir: join(import.meta.dirname, 'plugins'), options })
    await loadFeatures(app, features)
    await app.ready()
    // Not before every onReady hook is through: a handler may need what it prepares.
    await app.jobs.start()
    return app
  } catch (error) {
    // What hangs may hang again; the process or the next build goes on without it.
    await pTimeout(app.close(), { milliseconds: CLOSE_TIMEOUT }).catch(() => {})
    throw app.hasDecorator('features') ? blame(app.features.culprit(error), error) : error
  }
}
