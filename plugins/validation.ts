import { Ajv, type Options } from 'ajv'
import addFormats from 'ajv-formats'
import fp from 'fastify-plugin'

const LINE = /^[^\p{Cc}\p{Cs}]*$/u
export const TEXT = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u

function createAjv(coerceTypes: boolean) {
  const options: Options = { allErrors: true, useDefaults: true, coerceTypes, strict: false }
  const ajv = addFormats.default(new Ajv(options))
  return ajv.addFormat('line', LINE).addFormat('text', TEXT)
}

/**
 * Everything in a query or a path is a string, so those are coerced; a JSON body has types of its
 * own and is taken at its word. Unknown fields are rejected by the schemas, never dropped.
 */
export default fp(
  async (app) => {
    const typed = createAjv(false)
    const coercing = createAjv(true)
    // Fastify would take text for a body of any route.
    app.removeContentTypeParser('text/plain')
    // Many clients name the type even where they send nothing, such as with PUT .../like.
    const parseJson = app.getDefaultJsonParser('error', 'error')
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body.length === 0) done(null, undefined)
      else parseJson(request, String(body), done)
    })
    app.setValidatorCompiler(({ schema, httpPart }) =>
      (httpPart === 'body' ? typed : coercing).compile(schema),
    )
  },
  { name: 'validation' },
)
