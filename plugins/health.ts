import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import pTimeout from 'p-timeout'
import { Type } from 'typebox'

declare module 'fastify' {
  interface FastifyInstance {
    health: ReturnType<typeof createHealth>
  }
}

/** Milliseconds a check gets to answer. */
const TIMEOUT = 2_000
/** Milliseconds of a check that was added: a probe must not wait for what takes nothing out. */
const ADDED_TIMEOUT = 500

const Check = Type.Union([Type.Literal('ok'), Type.Literal('failed')])
const Readiness = Type.Object({
  status: Type.Union([
    Type.Literal('ready'),
    Type.Literal('unavailable'),
    Type.Literal('draining'),
  ]),
  checks: Type.Record(Type.String(), Check, {
    description: 'Only those of the database and the storage take the process out when they fail.',
  }),
  deadJobs: Type.Integer({ description: 'Jobs given up; `npm run jobs` shows them.' }),
  caching: Type.Boolean({
    description: 'False when the database assigns ids without an order in time, as clusters do.',
  }),
  skippedExtensions: Type.Array(Type.String(), {
    description: 'Optional extensions that failed to start; the log says why.',
  }),
})

type Probe = () => Promise<unknown>

function createHealth(app: FastifyInstance) {
  const required = new Map<string, Probe>([
    ['database', () => app.db.execute(sql`SELECT 1`)],
    ['storage', () => app.s3.check()],
  ])
  const informative = new Map<string, Probe>([['uploads', () => app.uploads.check()]])
  // Without MEDIA_BASE_URL the boot has read a picture back.
  if (app.config.mediaBaseUrl) informative.set('pictures', () => app.s3.readBack())

  /**
   * Adds a check to what `/readyz` shows, which fails when it takes longer than half a second; its
   * failure is news, not a reason to send no traffic.
   */
  function addCheck(name: string, check: Probe) {
    if (required.has(name) || informative.has(name)) {
      throw new Error(`The health check ${name} is taken; choose another name.`)
    }
    informative.set(name, () => pTimeout(Promise.try(check), { milliseconds: ADDED_TIMEOUT }))
  }

  async function read() {
    const all = [...required, ...informative]
    const [deadJobs, ...results] = await Promise.all([
      pTimeout(app.jobs.countDead(), { milliseconds: TIMEOUT }).catch(() => 0),
      ...all.map(([, check]) => passes(check)),
    ])
    const checks = Object.fromEntries(all.map(([name], i) => [name, results[i] ?? 'failed']))
    return { ready: [...required.keys()].every((name) => checks[name] === 'ok'), checks, deadJobs }
  }

  return { addCheck, read }
}

// Called within a promise, so that one that throws at once fails as well.
const passes = (check: Probe) =>
  pTimeout(Promise.try(check), { milliseconds: TIMEOUT }).then(
    () => 'ok' as const,
    () => 'failed' as const,
  )

const health: FastifyPluginAsyncTypebox = async (app) => {
  app.decorate('health', createHealth(app))

  app.get(
    '/livez',
    {
      logLevel: 'warn',
      schema: {
        tags: ['operations'],
        operationId: 'getLiveness',
        summary: 'Is the process alive?',
        description: 'Asks nothing of the stores: restarting the process would not mend them.',
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
      schema: {
        tags: ['operations'],
        operationId: 'getReadiness',
        summary: 'May traffic be sent here?',
        description: 'Checks the database and the object store; fails while the process drains.',
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
  ],
})
