import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { Type } from 'typebox'

/** Milliseconds a store gets to answer. */
const TIMEOUT = 2_000

const Check = Type.Union([Type.Literal('ok'), Type.Literal('failed')])
const Readiness = Type.Object({
  status: Type.Union([
    Type.Literal('ready'),
    Type.Literal('unavailable'),
    Type.Literal('draining'),
  ]),
  checks: Type.Record(Type.String(), Check),
})

const health: FastifyPluginAsyncTypebox = async (app) => {
  const checks: Record<string, () => Promise<unknown>> = {
    database: () => app.db.execute(sql`SELECT 1`),
    storage: () => app.s3.check(),
  }

  async function passes(check: () => Promise<unknown>) {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('timeout')), TIMEOUT)
    try {
      await Promise.race([check(), late])
      return 'ok' as const
    } catch {
      return 'failed' as const
    } finally {
      clearTimeout(timer)
    }
  }

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
      const names = Object.keys(checks)
      const results = await Promise.all(Object.values(checks).map(passes))
      const status = app.drain.active()
        ? ('draining' as const)
        : results.every((result) => result === 'ok')
          ? ('ready' as const)
          : ('unavailable' as const)
      reply.code(status === 'ready' ? 200 : 503)
      return {
        status,
        checks: Object.fromEntries(names.map((name, i) => [name, results[i] ?? 'failed'])),
      }
    },
  )
}

export default fp(health, {
  name: 'health',
  dependencies: ['db', 's3', 'drain', 'openapi', 'errors', 'validation'],
})
