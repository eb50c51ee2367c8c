import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'

const RouteNotFound = createError('ROUTE_NOT_FOUND', 'There is no %s %s; see /docs.', 404)
const MethodNotAllowed = createError(
  'METHOD_NOT_ALLOWED',
  'There is no %s %s; its methods are %s.',
  405,
)

/** Answers requests that no route takes: 405 or 404, and OPTIONS (RFC 9110, sections 9.3.7 and 15.5.6). */
export function answerMissingRoutes(app: FastifyInstance) {
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request
    const [path] = url.split('?')
    const found = app.routesAt(url)
    const [first] = found
    if (!first) throw new RouteNotFound(method, path)
    const allowed = [...found.map((route) => route.method), 'OPTIONS'].sort().join(', ')
    reply.header('allow', allowed)
    if (method === 'OPTIONS') return reply.code(204).send()
    // An error has the shape that the path's own errors have.
    return first.scope.errorHandler(new MethodNotAllowed(method, path, allowed), request, reply)
  })
}
