import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

// Fastify's own `handlerTimeout` and `request.signal` end as soon as a body has been read
// (fastify/fastify#6725), so that a POST would never be timed out.

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborts when nobody waits for the answer any more: the client has gone, or was told after 30
     * seconds to come back. What takes long or is about to be written stops then.
     */
    readonly abandoned: AbortSignal
  }
}

/** Milliseconds until an answer has to begin: even a store that only hangs ends in 503. */
const LIMIT = 30_000

const TooSlow = createError('TOO_SLOW', 'This takes too long right now; try again.', 503)
const ClientGone = createError('CLIENT_GONE', 'The client has not waited for the answer.', 499)

export default fp<{ limit?: number }>(
  async (app, { limit = LIMIT }) => {
    const controllers = new WeakMap<FastifyRequest, AbortController>()

    /** Few requests ask. */
    function controllerOf(request: FastifyRequest) {
      const controller = controllers.get(request) ?? new AbortController()
      controllers.set(request, controller)
      return controller
    }

    app.decorateRequest('abandoned', {
      getter(this: FastifyRequest) {
        return controllerOf(this).signal
      },
    })

    app.addHook('onRequest', (request, reply, done) => {
      const timer = setTimeout(() => {
        // What has begun is under way, such as a stream.
        if (reply.sent || reply.raw.headersSent) return
        const error = new TooSlow()
        reply.send(error)
        controllerOf(request).abort(error)
      }, limit)
      reply.raw.once('close', () => {
        clearTimeout(timer)
        if (!reply.sent) controllerOf(request).abort(new ClientGone())
      })
      done()
    })
  },
  { name: 'deadline', dependencies: ['errors'] },
)
