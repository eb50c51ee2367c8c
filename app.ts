import type { Server } from 'node:http'
import { join } from 'node:path'
import autoload from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyHttpOptions } from 'fastify'
import { migrate, type Progress } from './db/migrate.ts'
import { waitForDatabase } from './db/wait.ts'
import { serializeRequest, trustedProxies } from './plugins/client-address.ts'
import { type Config, type Env, parseConfig } from './plugins/config/index.ts'
import { sendProblem } from './plugins/errors/index.ts'
import { serializeError } from './plugins/errors/log.ts'
import { historiesOf } from './plugins/features/discover.ts'
import { blame } from './plugins/features/error.ts'
import type { Feature, Role } from './plugins/features/feature.ts'
import { loadFeatures } from './plugins/features/load.ts'
import { withoutBroken } from './plugins/features/optional.ts'
import { refuseClient } from './plugins/http/client-error.ts'
import { escapeMalformed } from './plugins/http/urls.ts'
import { inTime } from './plugins/in-time.ts'
import { createRequestId } from './plugins/request-id.ts'
import { checkBucket } from './plugins/s3/client.ts'
import type { Upgrade } from './plugins/websockets.ts'

/** Bytes of a JSON body, at most; ten times the longest one, a profile. */
const BODY_LIMIT = 64 * 1024
// Timeouts are in milliseconds. plugins/deadline.ts usually ends a slow request before REQUEST_TIMEOUT, and
// KEEP_ALIVE_TIMEOUT exceeds the 60 s idle timeout of common load balancers.
const REQUEST_TIMEOUT = 120_000
const HEADERS_TIMEOUT = 30_000
const KEEP_ALIVE_TIMEOUT = 72_000
const BOOT_TIMEOUT = 10_000
const CLOSE_TIMEOUT = 15_000

/** A command writes its result to standard output, and therefore its logs to standard error. */
function logOutput(role: Role) {
  const { isTTY, fd } = role === 'command' ? process.stderr : process.stdout
  if (isTTY) return { transport: { target: 'pino-pretty', options: { destination: fd } } }
  return role === 'command' && { stream: process.stderr }
}

const serverOptions = (
  config: Config,
  role: Role,
  upgrade: Upgrade,
  logIds?: () => object,
): FastifyHttpOptions<Server> => ({
  trustProxy: trustedProxies(config.trustProxy),
  bodyLimit: BODY_LIMIT,
  requestTimeout: REQUEST_TIMEOUT,
  http: {
    headersTimeout: HEADERS_TIMEOUT,
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => upgrade.isWanted(request),
  },
  // Schemas limit the length of path parameters.
  routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
  return503OnClosing: false,
  genReqId: createRequestId(config.trustProxy),
  pluginTimeout: BOOT_TIMEOUT,
  frameworkErrors: sendProblem,
  rewriteUrl: escapeMalformed,
  clientErrorHandler: refuseClient,
  logger: {
    level: config.logLevel,
    serializers: { err: serializeError, req: serializeRequest },
    ...(logIds && { mixin: logIds }),
    ...logOutput(role),
  },
})

/**
 * Builds a ready app from settings: checks the bucket, applies the migrations, then loads the kernel,
 * every feature's service and every feature's routes. Skips an extension of EXTENSIONS_OPTIONAL that fails.
 * Each line of the log has the fields that `logIds` returns.
 * @throws ConfigError for wrong settings, ExtensionError for an extension that fails
 */
export const build = (
  env: Env,
  progress: Progress = () => {},
  role: Role = 'service',
  logIds?: () => object,
) =>
  withoutBroken(env, async (features, skipped) => {
    const config = parseConfig(env, features)
    await checkBucket(config.s3, progress)
    if (role !== 'command') {
      // A developer should read at once that DATABASE_URL is wrong.
      if (config.production) await waitForDatabase(config.database, progress)
      await migrate(config.database, progress, historiesOf(features))
    }
    return assemble(config, features, skipped, role, logIds)
  })

async function assemble(
  config: Config,
  features: Feature[],
  skipped: ReadonlyMap<string, string>,
  role: Role,
  logIds?: () => object,
) {
  const upgrade: Upgrade = { isWanted: () => false }
  const server = Fastify(serverOptions(config, role, upgrade, logIds))
  const app = server.withTypeProvider<TypeBoxTypeProvider>()
  try {
    const options = { config, features, skipped, role, upgrade }
    await app.register(autoload, { dir: join(import.meta.dirname, 'plugins'), options })
    await loadFeatures(app, features)
    await app.ready()
    // Jobs start after all onReady hooks, because handlers may need what a hook prepares.
    if (role === 'service') await app.jobs.start()
    return app
  } catch (error) {
    // Closing may hang for the same reason as the start did, so it is not awaited without a limit.
    await inTime(app.close(), CLOSE_TIMEOUT).catch(() => {})
    throw app.hasDecorator('features') ? blame(app.features.culprit(error), error) : error
  }
}
