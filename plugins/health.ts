import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
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
    Type.Literal('unavailable'),
    Type.Literal('draining'),
  ]),
  checks: Type.Record(Type.String(), Check, {
    description: 'Only a failure of `database` or `storage` makes the status `unavailable`.',
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
  const required = new Map<string, Probe>([
    ['database', () => app.db.execute(sql`SELECT 1`)],
    ['storage', () => app.s3.check()],
  ])
  const informative = new Map<string, Probe>()
  // Without MEDIA_BASE_URL the start fails when a picture cannot be read back.
  if (app.config.mediaBaseUrl) addCheck('pictures', () => app.s3.readBack())
  addCheck('uploads', () => app.uploads.check())
  if (app.mail.isOutside) addCheck('mail', () => app.mail.check())
  if (app.config.redis) addCheck('limits', () => app.limits.check())

  /**
   * Adds a check to `/readyz`. Its failure, or no answer within half a second, shows there and does not
   * change the status. @throws Error when the name is taken
   */
  function addCheck(name: string, check: Probe) {
    if (required.has(name) || informative.has(name)) {
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
    const all = [...required, ...informative]
    const [deadJobs, ...results] = await Promise.all([
      inTime(app.jobs.countDead(), TIMEOUT).catch(() => 0),
      ...all.map(([, check]) => passes(check)),
    ])
    const checks = Object.fromEntries(all.map(([name], i) => [name, results[i] ?? 'failed']))
    return { ready: [...required.keys()].every((name) => checks[name] === 'ok'), checks, deadJobs }
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
          'Checks the database and the object store; answers 503 while the process drains.',
        security: [],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const { ready, ...details } = await app.health.read()
      const open = ready ? ('ready' as const) : ('unavailable' as const)
      const status = app.drain.active() ? ('draining' as const) : open
      reply.code(status === 'ready' ? 200 : 503)
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
