import type { FastifyInstance } from 'fastify'
import { SHARED } from '../resources.ts'
import { nonNull, type Schema, type Serialize } from './nullable.ts'

type Item = Record<string, unknown> & { [SHARED]?: Record<string, unknown> }
type ObjectSchema = Schema & { properties: Record<string, Schema>; required?: string[] }
type Compile = (schema: Schema) => Serialize

/**
 * Compiles serializers of pages whose items have shared properties (`shared` of `app.resources.define`),
 * which are serialized once for all pages. Strings hold one byte of UTF-8 per character, because encoding
 * a page took as long as serializing it.
 */
export function createPageSerializers(app: FastifyInstance) {
  const resources = new Map<string, (item: Item) => string>()

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
    const serialize = resources.get(name) ?? createItem(name, compile)
    resources.set(name, serialize)
    return serialize
  }

  function createItem(name: string, compile: Compile) {
    const schema = app.getSchema(name) as ObjectSchema
    const shared = app.resources.sharedBy(name)
    const { required = [] } = schema
    const nested = Object.entries(schema.properties).flatMap(([key, property]) => {
      const resource = refOf(property)
      return resource && isShared(resource) ? [[key, resource] as const] : []
    })
    const separate = new Set([...shared, ...nested.map(([key]) => key)])
    const rest = Object.keys(schema.properties).filter((key) => !separate.has(key))
    const serialize = {
      all: compile({ $ref: `${name}#` }),
      shared: compile(only(schema, shared)),
      rest: compile(only(schema, rest)),
    }
    const parts = new WeakMap<object, string>()

    /** False when a feature changed a shared property of this item, whose own value is sent then. */
    const isAsShared = (item: Item, origin: Item) =>
      shared.every((key) => item[key] === origin[key])

    return function serializeItem(item: Item): string {
      const origin = item[SHARED]
      const isValid = nested.every(([key]) => item[key] !== undefined || !required.includes(key))
      if (!origin || !isValid || !isAsShared(item, origin)) return toBytes(serialize.all(item))
      const part = parts.get(origin) ?? inner(serialize.shared(origin))
      parts.set(origin, part)
      const others = nested.map(([key, resource]) => {
        const value = item[key] as Item | null | undefined
        if (value === undefined) return ''
        // Compiled on first use, because a resource may nest its own kind.
        return `"${key}":${value ? ofResource(resource, compile)(value) : 'null'}`
      })
      return toObject([part, inner(serialize.rest(item)), ...others])
    }
  }

  return { compile: compilePage }
}

const isObject = (schema: Schema): schema is ObjectSchema =>
  typeof schema.properties === 'object' && schema.properties !== null

/** Returns the name of the resource to which a schema refers, also a nullable one. */
function refOf(schema: unknown) {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { $ref } = nonNull(schema as Schema) ?? (schema as Schema)
  return typeof $ref === 'string' ? $ref.replace('#', '') : undefined
}

function only({ properties, required = [] }: ObjectSchema, keys: readonly string[]): Schema {
  const selected = Object.entries(properties).filter(([key]) => keys.includes(key))
  return {
    type: 'object',
    properties: Object.fromEntries(selected),
    required: required.filter((key) => keys.includes(key)),
  }
}

/** Returns a string of one character per UTF-8 byte. The serializer escapes ASCII control characters. */
const toBytes = (text: string) =>
  /[^ -~]/.test(text) ? Buffer.from(text).toString('latin1') : text

const inner = (text: string) => toBytes(text.slice(1, -1))

const toObject = (parts: string[]) => `{${parts.filter((part) => part !== '').join(',')}}`
