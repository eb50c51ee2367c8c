import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cors from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import helmet from 'helmet'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Allows pages of any origin to read answers of this route. */
    anyOrigin?: boolean
  }
}

export const EXPOSED = [
  'link',
  'location',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'x-request-id',
]

/** Computes the headers once; helmet and @fastify/helmet would compute them for each answer. */
export function headersOfEveryAnswer() {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  // The documentation page sets its own content security policy.
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        // These do not fall back to default-src.
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  })
  setHeaders(response.req, response, () => {})
  // Without this header a CDN may cache answers, whose signed URLs expire within hours.
  return { ...response.getHeaders(), 'cache-control': 'no-store' }
}

/** A 405 or an OPTIONS request follows the first route of its path. */
function isOpen(request: FastifyRequest) {
  if (!request.is404 && request.method !== 'OPTIONS') return request.routeOptions.config.anyOrigin
  const { server, url } = request
  const [first] = server.routesAt(url)
  return first ? first.route.config?.anyOrigin : server.dialectAt(url) !== undefined
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
          preflight: isPreflight(request),
        })
      },
    })
  },
  { name: 'security', dependencies: ['config', 'route-table'] },
)
