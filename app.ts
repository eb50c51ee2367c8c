import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import autoload, { type AutoloadPluginOptions } from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyServerOptions } from 'fastify'
import type { Config } from './plugins/config.ts'
import { sendProblem, serializeError } from './plugins/errors.ts'

const ROOT = import.meta.dirname
/** Bytes of a JSON body; the longest field, a profile, needs a tenth of it. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds to receive a request, and to answer it: even a store that only hangs ends in 503. */
const REQUEST_TIMEOUT = 30_000
/** Milliseconds; above the 60 s idle time-out of common load balancers. */
const KEEP_ALIVE_TIMEOUT = 72_000

const serverOptions = (config: Config): FastifyServerOptions => ({
  trustProxy: config.trustProxy,
  bodyLimit: BODY_LIMIT,
  requestTimeout: REQUEST_TIMEOUT,
  handlerTimeout: REQUEST_TIMEOUT,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
  return503OnClosing: false,
  genReqId: () => crypto.randomUUID(),
  frameworkErrors: sendProblem,
  logger: {
    level: config.logLevel,
    serializers: { err: serializeError },
    ...(process.stdout.isTTY && { transport: { target: 'pino-pretty' } }),
  },
})

/** Builds the app: the kernel first, then every feature's service, then every feature's routes. */
export async function build(config: Config) {
  const app = Fastify(serverOptions(config)).withTypeProvider<TypeBoxTypeProvider>()
  try {
    await app.register(autoload, { dir: join(ROOT, 'plugins'), options: { config } })
    const homes = [
      join(ROOT, 'routes'),
      join(ROOT, 'extensions'),
      ...config.extensions.map(extensionFolder),
    ].filter(existsSync)
    for (const dir of homes) await app.register(autoload, services(dir))
    for (const dir of homes) await app.register(autoload, routes(dir))
    await app.ready()
    return app
  } catch (error) {
    await app.close().catch(() => {})
    throw error
  }
}

const services = (dir: string): AutoloadPluginOptions => ({
  dir,
  indexPattern: /^service\.(ts|js)$/,
  maxDepth: 1,
  encapsulate: false,
  dirNameRoutePrefix: false,
  ignoreFilter: (path) => !/service\.(ts|js)$/.test(path),
})

const routes = (dir: string): AutoloadPluginOptions => ({
  dir,
  indexPattern: /^index\.(ts|js)$/,
  maxDepth: 1,
  dirNameRoutePrefix: false,
  ignoreFilter: (path) => !/index\.(ts|js)$/.test(path),
  options: { prefix: '/v1' },
})

/** An entry of EXTENSIONS is a folder or the name of an installed package. */
function extensionFolder(entry: string) {
  const path = resolve(entry)
  if (existsSync(path)) return path
  try {
    return dirname(createRequire(join(ROOT, 'app.ts')).resolve(entry))
  } catch {
    throw new Error(
      `EXTENSIONS names ${entry}, which is neither a folder nor an installed package.`,
    )
  }
}
