import { type TObject, type TSchema, type TSchemaOptions, Type } from 'typebox'
import { Value } from 'typebox/value'

export class ConfigError extends Error {
  override name = 'ConfigError'
}

const SHOWN = 100

type Env = Record<string, string | undefined>
type Property = TSchema & {
  type?: string
  description?: string
  minimum?: number
  maximum?: number
  anyOf?: { const?: unknown }[]
  /** Whether messages hide a wrong value; true by default for a string. */
  secret?: boolean
}

export const words = <const Word extends string>(names: Word[], options: TSchemaOptions = {}) =>
  Type.Union(
    names.map((name) => Type.Literal(name)),
    options,
  )

export const listOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

/** Returns the schema of a text that `read` accepts; the error that `read` throws says how to correct it. */
export function readable(read: (text: string) => unknown, options: TSchemaOptions) {
  const complaint = (text: string) => {
    try {
      read(text)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  return Type.Refine(
    Type.String(options),
    (text) => complaint(text) === undefined,
    (text) => complaint(text) ?? '',
  )
}

/**
 * Reads the settings of a schema from the environment. Returns their values and one line for each wrong
 * setting; `owner` is the extension to which they belong.
 */
export function judge(schema: TObject, env: Env, owner?: string) {
  const properties = Object.entries(schema.properties as Record<string, Property>)
  const given = properties.flatMap(([name, property]) =>
    env[name] ? [[name, convert(property, env[name])]] : [],
  )
  const values = Value.Default(schema, Object.fromEntries(given))
  return { values, problems: problemsOf(schema, values, env, owner) }
}

/** Converts numbers and booleans in their usual form; any other form stays text, which the schema refuses. */
function convert(property: Property, text: string) {
  const numeric = property.type === 'integer' || property.type === 'number'
  if (numeric) return isNumber(text) ? Number(text) : text
  if (property.type === 'boolean') return text === 'true' || (text === 'false' ? false : text)
  return Value.Convert(property, text)
}

const isNumber = (text: string) =>
  /^-?\d+(\.\d+)?$/.test(text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER

function problemsOf(schema: TObject, values: unknown, env: Env, owner?: string) {
  const advice = new Map<string, string | undefined>()
  for (const error of Value.Errors(schema, values)) {
    const names =
      error.keyword === 'required'
        ? error.params.requiredProperties
        : [error.instancePath.split('/')[1] ?? '']
    const correction = error.keyword === '~refine' ? error.message : undefined
    for (const name of names.filter(Boolean)) advice.set(name, advice.get(name) ?? correction)
  }
  return [...advice].map(([name, correction]) => {
    const property: Property = schema.properties[name] ?? {}
    const title = owner ? `${name} (${owner})` : name
    return problem(
      title,
      env[name],
      correction ?? `set it to ${expected(property)}`,
      isSecret(property),
    )
  })
}

/** Shows numbers, booleans and wrong choices; hides everything else that is not declared `secret: false`. */
function isSecret({ type = '', secret, anyOf = [] }: Property) {
  const isChoice = anyOf.length > 0 && anyOf.every((member) => member.const !== undefined)
  return secret ?? !(isChoice || ['integer', 'number', 'boolean'].includes(type))
}

export const problem = (name: string, value: string | undefined, advice: string, secret = false) =>
  `- ${name}: ${found(value, secret)}; ${advice}`

function found(value: string | undefined, secret: boolean) {
  if (!value) return 'it is not set'
  if (secret) return `it is a text of ${value.length} characters, not shown here`
  const safe = JSON.stringify(withoutCredentials(value))
  return `it is ${safe.length > SHOWN ? `${safe.slice(0, SHOWN)}..."` : safe}`
}

/** Hides everything in a URL that may be a user, a password or a token. */
export const withoutCredentials = (value: string) =>
  value.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@').replace(/([?#]).+/s, '$1***')

function expected({ type, description, minimum, maximum, anyOf = [] }: Property) {
  const choices = anyOf.flatMap(({ const: choice }) => (choice === undefined ? [] : String(choice)))
  const numbers: Record<string, string> = { integer: 'a whole number', number: 'a number' }
  const number = numbers[type ?? '']
  const kind =
    choices.length > 0 || type === 'boolean' ? oneOf(choices) : number && number + range()
  return [kind, description].filter(Boolean).join(': ') || 'a valid value'

  function range() {
    if (minimum === undefined) return maximum === undefined ? '' : ` of at most ${maximum}`
    return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`
  }
}

const oneOf = (choices: string[]) =>
  new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(
    choices.length > 0 ? choices : ['true', 'false'],
  )
