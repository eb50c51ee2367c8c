import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Quota } from '../config/limits.ts'
import { chooseClass, classOf, count, createLimits, type LimitClass } from './classes.ts'
import type { Counted } from './counter.ts'
import { shareLeft, stateOf } from './refusal.ts'

declare module 'fastify' {
  interface FastifyInstance {
    limits: ReturnType<typeof createLimits>
  }
  interface FastifyContextConfig {
    /**
     * The class of limits that counts the requests of the route, or false for none. Without it, uploads are
     * `upload`, WebSockets `stream`, other GET and HEAD requests `read`, all others `write`.
     */
    limit?: LimitClass | false
  }
  interface FastifyRequest {
    /** For plugins/limits alone: the class of the request, and the count that is nearest to its limit. */
    limitClass: LimitClass | false
    nearestLimit: Counted | null
  }
}

export default fp(
  async (app) => {
    app.decorate('limits', createLimits(app))
    app.decorateRequest('limitClass', false)
    app.decorateRequest('nearestLimit', null)
    const { classes } = app.limits
    let isAdvised = false

    /** Counts the request. @throws TooManyRequests */
    function limit(request: FastifyRequest, reply: FastifyReply, by: Quota['by'], key: string) {
      const limits = request.limitClass ? classes.get(request.limitClass) : undefined
      if (!limits || limits.isByFeature || limits[by].length === 0) return undefined
      const counted = count(limits[by], key)
      const judge = (all: Counted[]) => {
        for (const one of all) {
          if (one.isRefused) throw app.limits.refusal(one, limits.policy)
          const { nearestLimit } = request
          if (!nearestLimit || shareLeft(one) < shareLeft(nearestLimit)) request.nearestLimit = one
        }
        if (request.nearestLimit) reply.header('ratelimit', stateOf(request.nearestLimit))
        reply.header('ratelimit-policy', limits.policy)
      }
      return counted instanceof Promise ? counted.then(judge) : judge(counted)
    }

    /** An operator who forgot TRUST_PROXY gives all clients the limits of one address. */
    function adviseProxy({ headers, clientAddress }: FastifyRequest) {
      if (isAdvised || app.config.trustProxy !== false || !headers['x-forwarded-for']) return
      isAdvised = true
      app.log.warn(
        { clientAddress },
        'Requests through a proxy exceed the limits of one address; set TRUST_PROXY to that address.',
      )
    }

    app.addHook('onRoute', (route) => chooseClass(app, route))
    app.addHook('onRequest', (request, reply, done) => {
      request.limitClass = classOf(request)
      const refuse = (error: Error) => {
        adviseProxy(request)
        done(error)
      }
      settle(() => limit(request, reply, 'address', request.clientNetwork), done, refuse)
    })
    // Runs after the onRequest hooks that authenticate, and before the body is read.
    app.addHook('preParsing', (request, reply, _payload, done) => {
      const { viewerId } = request
      if (viewerId === undefined) return done()
      settle(() => limit(request, reply, 'account', String(viewerId)), done, done)
    })
    app.addHook('onReady', app.limits.ready)
    app.addHook('onClose', async () => app.limits.close())
  },
  {
    name: 'limits',
    dependencies: ['config', 'client-address', 'security', 'errors', 'authenticate', 'metrics'],
  },
)

/** Calls one of both functions, at once if the work is no promise. */
function settle(
  work: () => undefined | void | Promise<void>,
  done: () => void,
  fail: (error: Error) => void,
) {
  try {
    const working = work()
    if (working) working.then(done, fail)
    else done()
  } catch (error) {
    fail(error as Error)
  }
}
