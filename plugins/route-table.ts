import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import findMyWay, { type HTTPMethod } from 'find-my-way'

declare module 'fastify' {
  interface FastifyInstance {
    /** The routes that a URL leads to, one for each method but OPTIONS. Empty: nothing is there. */
    routesAt: (url: string) => RouteAt[]
  }
}

export type RouteAt = {
  method: string
  route: RouteOptions
  /** The instance that the route was added to, whose error handler is the route's. */
  scope: FastifyInstance
}

/** Fastify finds a route by its method and URL only; a 405 and OPTIONS ask for all methods of a URL. */
function createTable() {
  const router = findMyWay({ maxParamLength: Number.MAX_SAFE_INTEGER })
  const methods = new Set<HTTPMethod>()

  function add(scope: FastifyInstance, route: RouteOptions) {
    // Fastify has checked that these are methods.
    for (const method of [route.method].flat() as HTTPMethod[]) {
      // A route may be there twice with different constraints.
      if (method === 'OPTIONS' || router.hasRoute(method, route.url)) continue
      methods.add(method)
      router.on(method, route.url, () => {}, { method, route, scope } satisfies RouteAt)
    }
  }

  const at = (url: string): RouteAt[] =>
    [...methods].flatMap((method) => router.find(method, url)?.store ?? [])

  return { add, at }
}

/** Must be there before the first route: it learns of routes from a hook. */
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
