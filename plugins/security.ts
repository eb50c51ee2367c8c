import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cors from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import helmet from 'helmet'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers of this route may be read by a page of any origin. */
    anyOrigin?: boolean
  }
}

export const EXPOSED = ['link', 'location', 'retry-after', 'x-request-id']

/** helmet works them out for each answer, @fastify/helmet makes a helmet for each as well. */
export function headersOfEveryAnswer() {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  // The documentation page brings its own policy.
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  })
  setHeaders(response.req, response, () => {})
  // A CDN would keep what says nothing; addresses in it may be good for an hour.
  return { ...response.getHeaders(), 'cache-control': 'no-store' }
}

/** A 405 or OPTIONS is as open as the other methods of its path. */
function isOpen(request: FastifyRequest) {
  if (!request.is404 && request.method !== 'OPTIONS') return request.routeOptions.config.anyOrigin
  return request.server.routesAt(request.url)[0]?.route.config?.anyOrigin
}

/** Fetch Standard, section 3.3.2. */
const isPreflight = ({ headers }: FastifyRequest) =>
  headers.origin !== undefined && headers['access-control-request-method'] !== undefined

export default fp(
  async (app) => {
    const headers = headersOfEveryAnswer()
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(headers).header('x-request-id', request.id)
      done()
    })
    await app.register(cors, {
      delegator: (request: FastifyRequest, done) => {
        const origin = isOpen(request) ? '*' : app.config.corsOrigin
        done(null, {
          origin: origin.length > 0 ? origin : false,
          methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
          exposedHeaders: EXPOSED,
          maxAge: 3600,
          // Any other OPTIONS is answered with the methods of its path, see plugins/http/methods.ts.
          preflight: isPreflight(request),
        })
      },
    })
  },
  { name: 'security', dependencies: ['config', 'route-table'] },
)
