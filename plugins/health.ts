import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { PATIENCE } from './db/patience.ts'
import { inTime } from './in-time.ts'

declare module 'fastify' {
  interface FastifyInstance {
    health: ReturnType<typeof createHealth>
  }
}

/** Milliseconds in which a check must answer. */
const TIMEOUT = 2_000
/** Milliseconds for an added check: it does not decide the status, so it must not delay the answer. */
const ADDED_TIMEOUT = 500

const Check = Type.Union([Type.Literal('ok'), Type.Literal('failed')])
const Readiness = Type.Object({
  status: Type.Union([
    Type.Literal('ready'),
    Type.Literal('degraded'),
    Type.Literal('unavailable'),
    Type.Literal('draining'),
  ]),
  checks: Type.Record(Type.String(), Check, {
    description:
      'A failure of `storage` makes the status `degraded`, since only uploads need the store; one of `database` too, and `unavailable` once it has lasted 10 seconds.',
  }),
  deadJobs: Type.Integer({ description: 'Jobs that failed for good; `npm run jobs` lists them.' }),
  caching: Type.Boolean({
    description: 'False when the database does not assign ids in order of time, as in clusters.',
  }),
  skippedExtensions: Type.Array(Type.String(), {
    description: 'Optional extensions that failed to start; the log has the reasons.',
  }),
})

type Probe = () => Promise<unknown>

function createHealth(app: FastifyInstance) {
  const own = new Map<string, Probe>([
    ['database', () => app.mysql.pool.query('SELECT 1')],
    ['storage', () => app.s3.check()],
  ])
  const informative = new Map<string, Probe>()
  // Without MEDIA_BASE_URL the start fails when a picture cannot be read back.
  if (app.config.mediaBaseUrl) addCheck('pictures', () => app.s3.readBack())
  addCheck('uploads', () => app.uploads.check())
  if (app.mail.isOutside) addCheck('mail', () => app.mail.check())
  if (app.config.replicas.length > 0) addCheck('replicas', () => app.replicas.check())
  if (app.config.redis) addCheck('limits', () => app.limits.check())

  /**
   * Adds a check to `/readyz`. Its failure, or no answer within half a second, shows there and does not
   * change the status. @throws Error when the name is taken
   */
  function addCheck(name: string, check: Probe) {
    if (own.has(name) || informative.has(name)) {
      throw new Error(`The health check ${name} is taken; choose another name.`)
    }
    const owned = app.features.own(async () => check(), ADDED_TIMEOUT)
    informative.set(name, () => inTime(owned(), ADDED_TIMEOUT))
  }

  app.metrics.gauge('birdhouse_health_check', {
    help: 'A check of /readyz: 1 when it passes, else 0.',
    labels: ['check'],
    read: async () =>
      Object.entries((await read()).checks).map(([check, result]) => [
        { check },
        result === 'ok' ? 1 : 0,
      ]),
  })

  async function read() {
    const all = [...own, ...informative]
    const results = await Promise.all(all.map(([, check]) => passes(check)))
    const checks = Object.fromEntries(all.map(([name], i) => [name, results[i] ?? 'failed']))
    noteChange(checks)
    const hasDatabase = checks.database === 'ok'
    const deadJobs = hasDatabase ? await inTime(app.jobs.countDead(), TIMEOUT).catch(() => 0) : 0
    return { status: statusOf(checks), checks, deadJobs }
  }

  let awaySince: number | undefined

  /**
   * All processes lose the database at the same time, and none helps by leaving: for as long as requests wait for it, the
   * process stays in service.
   */
  function statusOf({ database, storage }: Record<string, string>) {
    if (database === 'ok') awaySince = undefined
    else awaySince ??= performance.now()
    if (performance.now() - (awaySince ?? Infinity) > PATIENCE) return 'unavailable' as const
    return database === 'ok' && storage === 'ok' ? ('ready' as const) : ('degraded' as const)
  }

  let failing = ''

  /** Probes come every second; the log has a line when an answer differs from the one before. */
  function noteChange(checks: Record<string, string>) {
    const failed = Object.keys(checks).filter((name) => checks[name] !== 'ok')
    if (failed.join() === failing) return
    failing = failed.join()
    if (failed.length > 0) app.log.warn({ failed }, 'checks of /readyz fail')
    else app.log.info('all checks of /readyz pass again')
  }

  return { addCheck, read }
}

// Promise.try turns a synchronous throw into a failed check.
const passes = (check: Probe) =>
  inTime(Promise.try(check), TIMEOUT).then(
    () => 'ok' as const,
    () => 'failed' as const,
  )

const health: FastifyPluginAsyncTypebox = async (app) => {
  app.decorate('health', createHealth(app))

  app.get(
    '/livez',
    {
      logLevel: 'warn',
      config: { limit: false },
      schema: {
        tags: ['operations'],
        operationId: 'getLiveness',
        summary: 'Check that the process is alive',
        description:
          'Does not check the stores, since restarting the process would not repair them.',
        security: [],
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      config: { limit: false },
      schema: {
        tags: ['operations'],
        operationId: 'getReadiness',
        summary: 'Check that the process is ready for traffic',
        description:
          'Answers 503 when the database has been away for 10 seconds or the process drains, and 200 while only the object store is away.',
        security: [],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const { status: found, ...details } = await app.health.read()
      const status = app.drain.active() ? ('draining' as const) : found
      reply.code(status === 'ready' || status === 'degraded' ? 200 : 503)
      const caching = !app.cache.isUnsupported()
      return { status, ...details, caching, skippedExtensions: [...app.features.skipped.keys()] }
    },
  )
}

export default fp(health, {
  name: 'health',
  dependencies: [
    'mail',
    'db',
    'replicas',
    's3',
    'jobs',
    'cache',
    'drain',
    'openapi',
    'errors',
    'validation',
    'features',
    'multipart',
    'limits',
    'metrics',
  ],
})
