import { Ajv, type AnySchema, type Options, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import fp from 'fastify-plugin'

const LINE = /^[^\p{Cc}\p{Cs}]*$/u
export const TEXT = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u

export function createAjv(coerceTypes: boolean | 'array') {
  const options: Options = { allErrors: true, useDefaults: true, coerceTypes, strict: false }
  const ajv = addFormats.default(new Ajv(options))
  return ajv.addFormat('line', LINE).addFormat('text', TEXT)
}

/**
 * Coercion converts `0x1`, `01`, `1.0`, `1e0` and ` 1` to 1. A value is refused unless it is spelled as its
 * coerced value, so that each resource has one URL.
 */
function strictly(validate: ValidateFunction) {
  return (data: Record<string, unknown>) => {
    const sent = Object.entries(data).map(([key, value]) => [key, String(value)] as const)
    const errors = validate(data) ? [] : (validate.errors ?? [])
    const misspelt = sent.filter(([key, text]) => String(data[key]) !== text)
    const all = [...errors, ...misspelt.map(([key]) => spellingError(key, data[key]))]
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
 * Query and path values are strings, so they are coerced; JSON bodies are validated without type
 * coercion. The schemas reject unknown fields and never drop them.
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
