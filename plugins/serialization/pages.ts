import type { FastifyInstance } from 'fastify'
import { nonNull, type Schema, type Serialize } from './nullable.ts'

/**
 * The property of an item that holds the object its shared properties were taken from: the same one
 * in every answer that shows them, and never changed.
 */
export const SHARED = Symbol('shared')

type Item = Record<string, unknown> & { [SHARED]?: Record<string, unknown> }
type ObjectSchema = Schema & { properties: Record<string, Schema>; required?: string[] }
type Compile = (schema: Schema) => Serialize

/**
 * Serializers of pages whose items have a part that others show as well (`shared` of
 * `app.resources.define`): it is serialized once. What is put together is the answer's bytes, a
 * character each, since encoding a page took as long as making it.
 */
export function createPageSerializers(app: FastifyInstance) {
  const resources = new Map<string, (item: Item) => string>()

  /** Undefined when the answer is no such page. */
  function compilePage(schema: Schema, compile: Compile) {
    if (!isObject(schema)) return undefined
    const { items, ...others } = schema.properties
    const name = refOf(items?.items)
    if (!name || !isShared(name)) return undefined
    const serializeItem = ofResource(name, compile)
    const serializeOthers = compile(only(schema, Object.keys(others)))
    return (page: { items: Item[] }) => {
      const items = `"items":[${page.items.map(serializeItem).join(',')}]`
      return Buffer.from(toObject([items, inner(serializeOthers(page))]), 'latin1')
    }
  }

  const isShared = (name: string) => app.resources.sharedBy(name).length > 0

  function ofResource(name: string, compile: Compile) {
    const known = resources.get(name) ?? createItem(name, compile)
    resources.set(name, known)
    return known
  }

  function createItem(name: string, compile: Compile) {
    const schema = app.getSchema(name) as ObjectSchema
    const shared = app.resources.sharedBy(name)
    const { required = [] } = schema
    const within = Object.entries(schema.properties).flatMap(([key, one]) => {
      const other = refOf(one)
      return other && isShared(other) ? [[key, other] as const] : []
    })
    const apart = new Set([...shared, ...within.map(([key]) => key)])
    const rest = Object.keys(schema.properties).filter((key) => !apart.has(key))
    const serialize = {
      all: compile({ $ref: `${name}#` }),
      shared: compile(only(schema, shared)),
      rest: compile(only(schema, rest)),
    }
    const parts = new WeakMap<object, string>()

    /** Of an item that was changed since it was filled in, what it is now counts. */
    const isAsShared = (item: Item, origin: Item) =>
      shared.every((key) => item[key] === origin[key])

    return function serializeItem(item: Item): string {
      const origin = item[SHARED]
      const isValid = within.every(([key]) => item[key] !== undefined || !required.includes(key))
      if (!origin || !isValid || !isAsShared(item, origin)) return toBytes(serialize.all(item))
      const part = parts.get(origin) ?? inner(serialize.shared(origin))
      parts.set(origin, part)
      const others = within.map(([key, resource]) => {
        const other = item[key] as Item | null | undefined
        if (other === undefined) return ''
        // Not before it is asked for: a resource may have one of its own kind within.
        return `"${key}":${other ? ofResource(resource, compile)(other) : 'null'}`
      })
      return toObject([part, inner(serialize.rest(item)), ...others])
    }
  }

  return { compile: compilePage }
}

const isObject = (schema: Schema): schema is ObjectSchema =>
  typeof schema.properties === 'object' && schema.properties !== null

/** The name of the resource that a schema refers to, or is when it isn't null. */
function refOf(schema: unknown) {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { $ref } = nonNull(schema as Schema) ?? (schema as Schema)
  return typeof $ref === 'string' ? $ref.replace('#', '') : undefined
}

/** The schema of an object that has just these properties of another. */
function only({ properties, required = [] }: ObjectSchema, keys: readonly string[]): Schema {
  const some = Object.entries(properties).filter(([key]) => keys.includes(key))
  return {
    type: 'object',
    properties: Object.fromEntries(some),
    required: required.filter((key) => keys.includes(key)),
  }
}

/** The serializer leaves nothing but printable ASCII unescaped below U+0080. */
const toBytes = (text: string) =>
  /[^ -~]/.test(text) ? Buffer.from(text).toString('latin1') : text

/** The bytes of an object's properties, without the braces. */
const inner = (text: string) => toBytes(text.slice(1, -1))

const toObject = (parts: string[]) => `{${parts.filter((part) => part !== '').join(',')}}`
