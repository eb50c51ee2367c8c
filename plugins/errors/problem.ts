import { STATUS_CODES } from 'node:http'
import type { FastifyError } from 'fastify'
import { isBusy, isUnavailable } from '../db/errors.ts'

const MAX_ERRORS = 20
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
