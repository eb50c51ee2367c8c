import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers of this route may be read by a page of any origin. */
    anyOrigin?: boolean
  }
}

const EXPOSED = ['link', 'location', 'retry-after', 'x-request-id']

export default fp(
  async (app) => {
    // The documentation page brings its own policy.
    await app.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
      crossOriginResourcePolicy: { policy: 'cross-origin' },
    })
    await app.register(cors, {
      delegator: (request: FastifyRequest, done) => {
        const open = request.routeOptions.config.anyOrigin === true
        const origin = open ? '*' : app.config.corsOrigin
        done(null, {
          origin: origin.length > 0 ? origin : false,
          methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
          exposedHeaders: EXPOSED,
          maxAge: 3600,
        })
      },
    })
    app.addHook('onSend', async (request, reply) => {
      reply.header('x-request-id', request.id)
      // A CDN would keep what says nothing; addresses in it may be good for an hour.
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    })
  },
  { name: 'security', dependencies: ['config'] },
)
