import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

// Fastify's own `handlerTimeout` is called off, and its `request.signal` aborted, as soon as a body
// has been read (fastify/fastify#6725).

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborts when nobody waits for the answer any more: the client has gone, or was told after 30
     * seconds to come back. What takes long or is about to be written stops then.
     */
    readonly cancelled: AbortSignal
    /** For plugins/deadline.ts alone: the hooks `onSend` have begun. */
    isAnswering: boolean
  }
  interface FastifyContextConfig {
    /** Milliseconds from a request's headers to its answer, instead of 30 seconds; below 2^31. */
    deadline?: number
  }
}

/** Milliseconds: even a store that only hangs ends in 503, and a body that never ends in 408. */
const LIMIT = 30_000
/** Milliseconds that a timer holds. */
const LONGEST = 2 ** 31 - 1

const TooSlow = createError('TOO_SLOW', 'This takes too long right now; try again.', 503)
const BodyTooSlow = createError('BODY_TOO_SLOW', 'The body has not come within %s seconds.', 408)
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

    function abandon(request: FastifyRequest, reply: FastifyReply, reason: Error) {
      if (!(reason instanceof BodyTooSlow)) return controllerOf(request).abort(reason)
      // Its handler fails of this as well, which Fastify would call an error of ours. Not before the
      // answer is noted down.
      setImmediate(() => {
        reply.log = reply.log.child({}, { level: 'silent' })
        controllerOf(request).abort(reason)
      })
    }

    app.decorateRequest('isAnswering', false)
    app.decorateRequest('cancelled', {
      getter(this: FastifyRequest) {
        return controllerOf(this).signal
      },
    })

    app.addHook('onRoute', assertDeadline)
    app.addHook('onRequest', (request, reply, done) => {
      const patience = request.routeOptions.config.deadline ?? limit
      let missed: Error | undefined
      let isLate = false
      const timer = setTimeout(() => {
        // What has begun without Fastify is under way, such as a stream of events.
        if (reply.sent || reply.raw.headersSent) return
        if (isLate) return end()
        isLate = true
        timer.refresh()
        // An answer that is there is sent; a second one would mix with it.
        if (request.isAnswering) return
        missed = isWaitedFor(request) ? new BodyTooSlow(patience / 1000) : new TooSlow()
        refuse(reply, missed)
      }, patience)
      /** A hook `onSend` takes as long again: nothing can be sent past the hook. */
      function end() {
        missed ??= new TooSlow()
        reply.raw.destroy()
      }
      reply.raw.once('close', () => {
        clearTimeout(timer)
        if (!reply.raw.writableEnded) missed ??= new ClientGone()
        if (missed) abandon(request, reply, missed)
      })
      done()
    })
    app.addHook('onSend', (request, _reply, _payload, done) => {
      request.isAnswering = true
      done()
    })
  },
  { name: 'deadline', dependencies: ['errors'] },
)

function assertDeadline({ url, config }: RouteOptions) {
  const { deadline = LIMIT } = config ?? {}
  if (Number.isInteger(deadline) && deadline > 0 && deadline <= LONGEST) return
  throw new Error(`The deadline of ${url} must be a number of milliseconds below 2^31.`)
}

/** What has come and is not read is no client's fault. */
const isWaitedFor = ({ raw }: FastifyRequest) => !raw.complete && raw.readableLength === 0

function refuse(reply: FastifyReply, error: Error) {
  if (!reply.request.raw.complete) reply.header('connection', 'close')
  try {
    reply.send(error)
  } catch {
    // Another error is being answered, and its hook hangs.
    reply.raw.destroy()
  }
}
