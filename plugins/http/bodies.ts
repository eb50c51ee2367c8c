import { once } from 'node:events'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidField } from '../errors/problem.ts'
import { findLoneSurrogate } from './surrogates.ts'
import { decodeUtf8 } from './utf8.ts'

/** A type without a parser, so that a 404 or 405 does not depend on the body. */
const UNREAD = 'application/x-unread'

const LONE_SURROGATE = 'must be valid Unicode, without half of a surrogate pair'

/** Ensures that a body is absent (whatever its Content-Type) or JSON in UTF-8 before validation. */
export function addBodyRules(app: FastifyInstance) {
  // Otherwise Fastify accepts text/plain as the body of any route.
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      const text = decodeUtf8(bytes, request.headers['content-type'])
      parseJson(request, text, (error, parsed) => {
        const path = error ? undefined : findLoneSurrogate(text, parsed)
        done(path === undefined ? error : invalidField(path, LONE_SURROGATE), parsed)
      })
    },
  )

  // Fastify looks for a parser of the Content-Type even when the body is empty.
  app.addHook('preParsing', async (request) => {
    if (request.is404) request.headers['content-type'] = UNREAD
    else if (mayHaveBody(request) && (await isEmpty(request))) removeBodyHeaders(request)
  })

  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body === undefined && takesObject(request)) request.body = {}
    done()
  })
}

/** Fastify reads no body of a GET or HEAD request. */
const mayHaveBody = ({ method }: FastifyRequest) => method !== 'GET' && method !== 'HEAD'

/** RFC 9112, section 6.3. */
async function isEmpty({ headers, raw }: FastifyRequest) {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers
  if (encoding === undefined) return Number(length) === 0
  if (!raw.complete && raw.readableLength === 0) await firstBytes(raw)
  return raw.readableLength === 0
}

/** Also settles at the end of an empty body. */
const firstBytes = (raw: FastifyRequest['raw']) =>
  once(raw, 'readable').catch((error) => {
    throw Object.assign(error, { statusCode: 400 })
  })

function removeBodyHeaders({ headers }: FastifyRequest) {
  for (const name of ['content-type', 'transfer-encoding']) {
    if (headers[name] !== undefined) headers[name] = undefined
  }
}

function takesObject({ routeOptions }: FastifyRequest) {
  // Fastify types a schema as unknown.
  const body = routeOptions.schema?.body as { type?: string } | undefined
  return body?.type === 'object'
}
