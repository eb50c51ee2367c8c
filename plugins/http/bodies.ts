import { once } from 'node:events'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidField } from '../errors.ts'
import { findLoneSurrogate } from './surrogates.ts'
import { decodeUtf8 } from './utf8.ts'

/** No parser takes this type, so that a 404 or 405 is answered whatever the body is. */
const UNREAD = 'application/x-unread'

const HALF_A_PAIR = 'must be valid Unicode, without half of a surrogate pair'

/** Before a schema looks at a body, the body is absent (whatever its type says) or JSON in UTF-8. */
export function addBodyRules(app: FastifyInstance) {
  // Fastify would take text for a body of any route.
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      const text = decodeUtf8(bytes, request.headers['content-type'])
      parseJson(request, text, (error, parsed) => {
        const path = error ? undefined : findLoneSurrogate(text, parsed)
        done(path === undefined ? error : invalidField(path, HALF_A_PAIR), parsed)
      })
    },
  )

  // Fastify looks for the parser of a type even where nothing was sent.
  app.addHook('preParsing', async (request) => {
    if (request.is404) request.headers['content-type'] = UNREAD
    else if (await isEmpty(request)) forgetBody(request)
  })

  // A schema can then name what is missing.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body === undefined && takesObject(request)) request.body = {}
    done()
  })
}

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

function forgetBody({ headers }: FastifyRequest) {
  for (const name of ['content-type', 'transfer-encoding']) {
    if (headers[name] !== undefined) headers[name] = undefined
  }
}

function takesObject({ routeOptions }: FastifyRequest) {
  // Fastify leaves open what a schema is.
  const body = routeOptions.schema?.body as { type?: string } | undefined
  return body?.type === 'object'
}
