import { ServerResponse } from 'node:http'
import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

// Fastify cancels its own `handlerTimeout` and aborts its `request.signal` as soon as a body has been
// read (fastify/fastify#6725).

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborts when the client has gone or the deadline has passed. Pass it to long work, and call
     * `throwIfAborted` before a write.
     */
    readonly cancelled: AbortSignal
    /** For plugins/deadline.ts alone: the hooks `onSend` have begun. */
    isAnswering: boolean
  }
  interface FastifyContextConfig {
    /** Milliseconds from a request's headers to its answer, below 2^31; 30,000 by default. */
    deadline?: number
  }
}

/** Milliseconds until the answer is 503, or 408 when the body is still incomplete. */
export const DEFAULT_DEADLINE = 30_000
/** Milliseconds: the longest delay of a Node timer. */
const LONGEST = 2 ** 31 - 1

const TooSlow = createError('TOO_SLOW', 'The request took too long; try again.', 503)
export const BodyTooSlow = createError('BODY_TOO_SLOW', 'The body %s; send it faster.', 408)
const ClientGone = createError('CLIENT_GONE', 'The client closed the connection.', 499)

export default fp<{ limit?: number }>(
  async (app, { limit = DEFAULT_DEADLINE }) => {
    const controllers = new WeakMap<FastifyRequest, AbortController>()

    /** Creates the controller on first use, since few requests need it. */
    function controllerOf(request: FastifyRequest) {
      const controller = controllers.get(request) ?? new AbortController()
      controllers.set(request, controller)
      return controller
    }

    function cancel(request: FastifyRequest, reply: FastifyReply, reason: Error) {
      if (!(reason instanceof BodyTooSlow)) return controllerOf(request).abort(reason)
      // The handler fails too, and Fastify would log that as a server error. The log is silenced only
      // after Fastify has logged the answer.
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
      const deadline = request.routeOptions.config.deadline ?? limit
      let missed: Error | undefined
      let isLate = false
      let answer = reply
      const timer = setTimeout(() => {
        // An answer that was begun on the raw response, such as a stream of events, goes on.
        if (answer.sent || answer.raw.headersSent) return
        if (isLate) return end()
        isLate = true
        timer.refresh()
        // An answer that a hook `onSend` holds is not replaced; a second answer would mix with it.
        if (request.isAnswering) return
        missed = awaitsBody(request)
          ? new BodyTooSlow(`did not arrive within ${deadline / 1000} seconds`)
          : new TooSlow()
        answer = takeOver(reply)
        refuse(answer, missed)
      }, deadline)
      /** Ends the connection of an answer whose `onSend` hook takes as long again as the deadline. */
      function end() {
        missed ??= new TooSlow()
        answer.raw.destroy()
      }
      reply.raw.once('close', () => {
        clearTimeout(timer)
        if (!answer.raw.writableEnded) missed ??= new ClientGone()
        if (missed) cancel(request, reply, missed)
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
  const { deadline = DEFAULT_DEADLINE } = config ?? {}
  if (Number.isInteger(deadline) && deadline > 0 && deadline <= LONGEST) return
  throw new Error(`Set the deadline of ${url} to a positive integer of milliseconds below 2^31.`)
}

/** True when the client is late; bytes that arrived and were not read are the server's delay. */
const awaitsBody = ({ raw }: FastifyRequest) => !raw.complete && raw.readableLength === 0

/**
 * Returns a reply with the response of this one, whose handler still runs and may change or send its reply.
 * The handler is left with a response that has ended and has no connection.
 */
function takeOver(reply: FastifyReply): FastifyReply {
  const { raw } = reply
  const answer = Object.assign(Object.create(Object.getPrototypeOf(reply)), reply)
  const ended = new ServerResponse(reply.request.raw).end().destroy()
  // The log of the answer reads the status of the handler's reply.
  Object.defineProperty(ended, 'statusCode', { get: () => raw.statusCode, set: () => {} })
  // Both replies share one object of headers.
  const ignore = () => reply
  Object.assign(reply, { raw: ended, header: ignore, removeHeader: ignore, type: ignore })
  return answer
}

function refuse(reply: FastifyReply, error: Error) {
  if (!reply.request.raw.complete) reply.header('connection', 'close')
  try {
    reply.send(error)
  } catch {
    // Another error's answer hangs in a hook, so a second answer is impossible.
    reply.raw.destroy()
  }
}
