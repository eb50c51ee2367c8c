import { DrizzleQueryError } from 'drizzle-orm'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { duplicateKey, isMissingParent, isUnavailable } from '../db/errors.ts'
import { isOverShare } from '../db/shares.ts'
import { refusal } from './log.ts'
import { describe, invalidField } from './problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    errors: typeof errors
  }
}

/** Seconds in `Retry-After`: a restart of the database takes about this long. */
const RETRY_AFTER = 2

export function sendProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  // Fastify runs no hook for a request that it refuses itself.
  reply.header('x-request-id', request.id)
  const problem = report(error, request, reply)
  return reply.code(problem.status).type('application/problem+json').send(problem)
}

/** Logs an error, sets the headers that its status asks for, and returns its problem details. */
function report(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const problem = describe(error, request.id)
  const { status } = problem
  if (status === 503) request.log.warn(refusal(error), 'request refused')
  else if (status >= 500) request.log.error({ err: error }, 'request failed')
  else request.log.info(refusal(error), 'request refused')
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  // RFC 9110, section 15.5.9: the rest of the body may still come.
  if (status === 408) reply.header('connection', 'close')
  if (status === 429) reply.headers((error as { headers?: Record<string, string> }).headers ?? {})
  if ((status === 503 || status === 429) && !reply.hasHeader('retry-after'))
    reply.header('retry-after', RETRY_AFTER)
  return problem
}

/** Handlers may throw any value. FastifyError's additional fields are checked where they are read. */
function toError(thrown: unknown) {
  const error =
    thrown instanceof DrizzleQueryError && isOverShare(thrown.cause) ? thrown.cause : thrown
  return (error instanceof Error ? error : new Error(`thrown: ${String(error)}`)) as FastifyError
}

const errors = {
  report,
  describe: (thrown: unknown, request: FastifyRequest) => describe(toError(thrown), request.id),
  invalidField,
  duplicateKey,
  isMissingParent,
  /** True when a later retry may succeed: the database, or the extension's share of it, is not available. */
  isUnavailable: (error: unknown) => isUnavailable(error) || isOverShare(error),
}

export default fp(
  async (app) => {
    app.decorate('errors', errors)
    app.setErrorHandler((thrown, request, reply) => {
      const error = toError(thrown)
      const taker = request.is404 ? app.takerOf(request) : undefined
      return taker ? taker.errorHandler(error, request, reply) : sendProblem(error, request, reply)
    })
  },
  { name: 'errors' },
)
