import { STATUS_CODES } from 'node:http'
import { DrizzleQueryError } from 'drizzle-orm'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { duplicateKey, isBusy, isMissingParent, isUnavailable, mysqlError } from './db/errors.ts'
import { isOverShare } from './db/shares.ts'

declare module 'fastify' {
  interface FastifyInstance {
    errors: typeof errors
  }
}

/** Seconds in `Retry-After`: a restart of the database takes about this long. */
const RETRY_AFTER = 2

const MAX_ERRORS = 20
/** Characters of a reason in the log. */
const REASON = 500

const CODES: Record<string, string> = {
  FST_ERR_VALIDATION: 'VALIDATION_FAILED',
  FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_REQ_FILE_TOO_LARGE: 'FILE_TOO_LARGE',
}

export const FORMAT_MESSAGES: { text: string; [format: string]: string } = {
  email: 'must be an e-mail address such as hong@example.com, without spaces',
  line: 'must be a single line of valid Unicode without control characters',
  text: 'must be valid Unicode without control characters (newline and tab are fine)',
}

/** Returns a 400 in the form of a schema's errors, for rules that no schema can express. */
export function invalidField(field: string, message: string) {
  return Object.assign(new Error(`/body/${field} ${message}`), {
    validation: [
      { instancePath: `/${field}`, schemaPath: '', keyword: 'custom', params: {}, message },
    ],
    validationContext: 'body',
    statusCode: 400,
    code: 'FST_ERR_VALIDATION',
  })
}

/** Turns an error into RFC 9457 problem details; a 500 does not reveal its cause. */
export function describe(error: FastifyError, requestId: string) {
  const status = statusOf(error)
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: detailOf(error, status, requestId),
    code: codeOf(error, status),
    ...(error.validation && { errors: validationErrors(error) }),
  }
}

function statusOf(error: FastifyError) {
  if (isUnavailable(error)) return 503
  const status = error.validation ? 400 : (error.statusCode ?? 500)
  return status >= 400 && status < 600 ? status : 500
}

function codeOf(error: FastifyError, status: number) {
  if (isBusy(error)) return 'DATABASE_BUSY'
  if (isUnavailable(error)) return 'DATABASE_UNAVAILABLE'
  if (error.validation) return 'VALIDATION_FAILED'
  if (status === 500) return 'INTERNAL_ERROR'
  return CODES[error.code] ?? error.code?.replace(/^FST_(ERR_)?/, '') ?? 'ERROR'
}

function detailOf(error: FastifyError, status: number, requestId: string) {
  if (isBusy(error)) return 'The database is too busy for this request right now; try again.'
  if (isUnavailable(error)) return 'The database cannot be reached right now; try again.'
  if (status === 500) return `The server failed. Give the operator the request id ${requestId}.`
  if (error.validation) {
    return validationErrors(error)
      .map(({ path, message }) => `${path} ${message}`)
      .join('; ')
  }
  return error.message
}

function validationErrors(error: FastifyError) {
  const part = error.validationContext === 'querystring' ? 'query' : error.validationContext
  return (error.validation ?? [])
    .slice(0, MAX_ERRORS)
    .map(({ instancePath, keyword, params, message }) => {
      const field = params.missingProperty ?? params.additionalProperty
      return {
        path: `/${part}${instancePath}${field ? `/${field}` : ''}`,
        message: validationMessage(keyword, params, message),
      }
    })
}

function validationMessage(keyword: string, params: Record<string, unknown>, message = '') {
  if (keyword === 'required') return 'is missing'
  if (keyword === 'additionalProperties') return 'is not a field of this request'
  if (keyword === 'format') return FORMAT_MESSAGES[String(params.format)] ?? message
  return message
}

type SerializedError = { type: string; message: string; stack: string; [key: string]: unknown }

/** Serializes an error for the log, without query parameters, which hold e-mail addresses and hashes. */
export function serializeError(error: Error): SerializedError {
  if (error instanceof DrizzleQueryError) {
    const { stack, ...cause } = error.cause ? serializeError(error.cause) : { stack: '' }
    return { type: 'DrizzleQueryError', message: error.query, stack: '', cause }
  }
  return {
    ...brief(error),
    stack: withoutValues(error.stack ?? ''),
    ...(error.cause instanceof Error && { cause: serializeError(error.cause) }),
  }
}

const brief = (error: Error & { code?: unknown; errno?: unknown }) => ({
  type: error.name,
  code: error.code,
  errno: error.errno,
  message: withoutValues(error.message),
})

/** The error and all its causes, in one line. */
export function describeError(error: Error): string {
  const { type, message } = serializeError(error)
  return [`${type}: ${message}`, ...causesOf(error).map((cause) => brief(cause).message)].join('; ')
}

const causesOf = ({ cause }: Error): Error[] =>
  cause instanceof Error ? [cause, ...causesOf(cause)] : []

/** Removes the values that the database quotes in messages: a taken address, the rest of a statement. */
const withoutValues = (text = '') =>
  text.replaceAll(
    /(entry|value:?|near) '.*?'(?= for key| for column| at line| at row|$)/gms,
    "$1 '...'",
  )

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

/** The error of the database, not the text of the query; under load there are many such lines. */
function refusal(error: FastifyError) {
  const cause = mysqlError(error)
  const { code, errno, message } = brief(cause instanceof Error ? cause : error)
  return { code, errno, reason: message.slice(0, REASON) }
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
      const dialect = request.is404 ? app.dialectAt(request.url) : undefined
      return dialect
        ? dialect.errorHandler(error, request, reply)
        : sendProblem(error, request, reply)
    })
  },
  { name: 'errors' },
)
