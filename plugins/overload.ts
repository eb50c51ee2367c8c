import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

const Overloaded = createError(
  'OVERLOADED',
  'The server has more requests than it can answer; try again in 2 seconds.',
  503,
)

/** Logins and sign-ups wait in the queue of passwords, which is bounded; the others wait for their clients. */
const BOUNDED_ELSEWHERE = new Set<unknown>([false, 'login', 'sign-up', 'stream', 'upload'])

/**
 * Works on a bounded number of requests and refuses others at once, so that those it works on are answered
 * in time. A request counts from its handler to its answer: clients that send or read slowly cost nobody a place.
 */
export default fp(
  async (app) => {
    const most = app.config.maxRequests
    const working = new WeakSet<FastifyRequest>()
    let count = 0

    app.metrics.gauge('birdhouse_requests_at_work', {
      help: 'Requests that are worked on, without logins, uploads and live streams; see MAX_REQUESTS.',
      read: () => count,
    })

    const isCounted = ({ limitClass }: FastifyRequest) => !BOUNDED_ELSEWHERE.has(limitClass)

    function leave(request: FastifyRequest) {
      if (working.delete(request)) count--
    }

    // Runs after the hook that sets the class, and before a token is checked.
    app.addHook('onRequest', (request, _reply, done) => {
      done(count >= most && isCounted(request) ? new Overloaded() : undefined)
    })
    app.addHook('preHandler', (request, reply, done) => {
      if (!isCounted(request)) return done()
      if (count >= most) return done(new Overloaded())
      count++
      working.add(request)
      reply.raw.once('close', () => leave(request))
      done()
    })
    app.addHook('onSend', (request, _reply, _payload, done) => {
      leave(request)
      done()
    })
  },
  { name: 'overload', dependencies: ['config', 'errors', 'security', 'limits', 'metrics'] },
)
