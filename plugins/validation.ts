import { Ajv, type AnySchema, type ErrorObject, type Options } from 'ajv'
import draft7 from 'ajv/dist/refs/json-schema-draft-07.json' with { type: 'json' }
import addFormats from 'ajv-formats'
import fp from 'fastify-plugin'
import { lazily } from './lazily.ts'

// biome-ignore lint/suspicious/noExplicitAny: the schema tells
type Validate = (data: any) => true | { error: ErrorObject[] }

const LINE = /^[^\p{Cc}\p{Cs}]*$/u
export const TEXT = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u

export function createAjv(coerceTypes: boolean | 'array') {
  const options: Options = {
    allErrors: true,
    useDefaults: true,
    coerceTypes,
    strict: false,
    // assertSchema does.
    validateSchema: false,
  }
  const ajv = addFormats.default(new Ajv(options))
  return ajv.addFormat('line', LINE).addFormat('text', TEXT)
}

const meta = addFormats.default(new Ajv({ strict: false })).addFormat('regex', isPattern)
// Ajv's own validateSchema ignores formats, so patterns.
const isSchema = meta.compile({ ...draft7, $id: 'schema' })

/** As Ajv makes it. */
const toPattern = (text: string) => new RegExp(text, 'u')

function isPattern(text: string) {
  try {
    return Boolean(toPattern(text))
  } catch {
    return false
  }
}

/** @throws Error for what is no JSON Schema */
export function assertSchema(schema: AnySchema) {
  if (!isSchema(schema)) throw new Error(`schema is invalid: ${meta.errorsText(isSchema.errors)}`)
}

/**
 * Checks a schema at once, and compiles it when a request first needs it: a process serves few routes for
 * long, and to compile the schemas of all took a sixth of a start.
 * @throws Error for a schema that would not compile
 */
export function compileLater(schema: AnySchema, ajv: Ajv): Validate {
  assertSchema(schema)
  const compiled = lazily(() => ajv.compile(schema))
  // Whether a reference leads anywhere is known when it is followed.
  if (JSON.stringify(schema).includes('"$ref"')) compiled()
  return (data) => {
    const validate = compiled()
    return validate(data) ? true : { error: validate.errors ?? [] }
  }
}

/**
 * Coercion converts `0x1`, `01`, `1.0`, `1e0` and ` 1` to 1. A value is refused unless it is spelled as its
 * coerced value, so that each resource has one URL.
 */
function strictly(validate: Validate): Validate {
  return (data: Record<string, unknown>) => {
    const sent = Object.entries(data).map(([key, value]) => [key, String(value)] as const)
    const valid = validate(data)
    const errors = valid === true ? [] : valid.error
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
      httpPart === 'body' ? compileLater(schema, typed) : strictly(compileLater(schema, coercing)),
    )
  },
  { name: 'validation' },
)
