import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'

const RouteNotFound = createError('ROUTE_NOT_FOUND', 'There is no route %s %s; see /docs.', 404)
const MethodNotAllowed = createError(
  'METHOD_NOT_ALLOWED',
  'There is no route %s %s; the methods of this path are %s.',
  405,
)

/** Answers requests without a route: 404, 405 or OPTIONS (RFC 9110, sections 9.3.7 and 15.5.6). */
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
    // The error has the form of the errors of that path.
    return first.scope.errorHandler(new MethodNotAllowed(method, path, allowed), request, reply)
  })
}
