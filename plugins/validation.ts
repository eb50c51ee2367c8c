import { Ajv, type AnySchema, type Options, type ValidateFunction } from 'ajv'
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
 * Coercion takes `0x1`, `01`, `1.0`, `1e0` and ` 1` for 1. So that a thing has one address, a value is
 * refused when its coerced value is written differently.
 */
function strictly(validate: ValidateFunction) {
  return (data: Record<string, unknown>) => {
    const sent = Object.entries(data).map(([key, value]) => [key, String(value)] as const)
    const errors = validate(data) ? [] : (validate.errors ?? [])
    const respelt = sent.filter(([key, text]) => String(data[key]) !== text)
    const all = [...errors, ...respelt.map(([key]) => spellingError(key, data[key]))]
    return all.length === 0 || { error: all }
  }
}

const spellingError = (key: string, value: unknown) => ({
  instancePath: `/${key}`,
  schemaPath: '',
  keyword: 'custom',
  params: {},
  message: `must be written as ${value}`,
})

/**
 * Everything in a query or a path is a string, so those are coerced; a JSON body has types of its
 * own and is taken at its word. Unknown fields are rejected by the schemas, never dropped.
 */
export default fp(
  async (app) => {
    const typed = createAjv(false)
    const coercing = createAjv(true)
    app.setValidatorCompiler<AnySchema>(({ schema, httpPart }) =>
      httpPart === 'body' ? typed.compile(schema) : strictly(coercing.compile(schema)),
    )
  },
  { name: 'validation' },
)
