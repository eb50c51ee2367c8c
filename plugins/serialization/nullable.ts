export type Schema = Record<string, unknown>
export type Serialize = (value: unknown) => string

/** Marks the copy of a shared schema that takes null as well. */
const OR_NULL = '-or-null'

const isNull = (schema: unknown) => (schema as Schema | undefined)?.type === 'null'

/** What a schema is when it isn't null, or undefined when it is not of the form X or null. */
export function nonNull({ anyOf }: Schema): Schema | undefined {
  const [one, other] = Array.isArray(anyOf) && anyOf.length === 2 ? anyOf : []
  return one && isNull(other) && !isNull(one) ? one : undefined
}

/**
 * `anyOf: [X, null]` is how OpenAPI 3.1 says that a value may be missing, but makes the serializer
 * validate the value to choose between the two, which took a fifth of a page. It knows a shorter
 * way of its own, `nullable`.
 */
export function simplify<Value>(value: Value): Value
export function simplify(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => simplify(one))
  if (typeof value !== 'object' || value === null) return value
  const { anyOf: _, ...rest } = value as Schema
  const one = nonNull(value as Schema)
  if (typeof one?.$ref === 'string') return { ...rest, $ref: one.$ref.replace('#', `${OR_NULL}#`) }
  if (typeof one?.type === 'string') return { ...rest, ...simplify(one), nullable: true }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, simplify(part)]))
}

/** A shared schema in both forms, without null and with it. */
export function bothWays(schema: Schema): Schema[] {
  const simple = simplify(schema)
  return [simple, { ...simple, $id: `${schema.$id}${OR_NULL}`, nullable: true }]
}
