import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import findMyWay, { type HTTPMethod } from 'find-my-way'

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the routes of a URL, one per method except OPTIONS; empty when no route matches. */
    routesAt: (url: string) => RouteAt[]
  }
}

export type RouteAt = {
  method: string
  route: RouteOptions
  /** The instance to which the route was added; its error handler serves the route. */
  scope: FastifyInstance
}

/** Fastify looks routes up by method and URL together; a 405 and OPTIONS need all methods of a URL. */
function createTable() {
  const router = findMyWay({ maxParamLength: Number.MAX_SAFE_INTEGER })
  const methods = new Set<HTTPMethod>()

  function add(scope: FastifyInstance, route: RouteOptions) {
    // Fastify has checked that these are valid methods.
    for (const method of [route.method].flat() as HTTPMethod[]) {
      // A route may exist twice with different constraints.
      if (method === 'OPTIONS' || router.hasRoute(method, route.url)) continue
      methods.add(method)
      router.on(method, route.url, () => {}, { method, route, scope } satisfies RouteAt)
    }
  }

  const at = (url: string): RouteAt[] =>
    [...methods].flatMap((method) => router.find(method, url)?.store ?? [])

  return { add, at }
}

/** Must load before the first route, because a hook collects the routes. */
export default fp(
  async (app) => {
    const table = createTable()
    app.addHook('onRoute', function (route) {
      table.add(this, route)
    })
    app.decorate('routesAt', table.at)
  },
  { name: 'route-table' },
)
