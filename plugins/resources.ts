import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { TProperties, TSchema } from 'typebox'
import { blame } from './features/error.ts'
import type { Owner } from './features/feature.ts'
import {
  createFieldReader,
  FIELD_LIMIT,
  type Field,
  type FieldContext,
  type ResourceName,
  type Viewing,
} from './fields.ts'
import { lazily } from './lazily.ts'

declare module 'fastify' {
  interface FastifyInstance {
    resources: ReturnType<typeof createResources>
  }
}

/**
 * The property of an item that holds the object from which its shared properties were copied. All answers
 * use the same object; never mutate it.
 */
export const SHARED = Symbol('shared')

type Item = { id: number }
type Resource = { $id?: string; properties: TProperties }
type NamedField = {
  name: string
  owner: Owner
  schema: TSchema
  read: (ids: number[], context: FieldContext) => Promise<Map<number, unknown>>
}

/** The resources of the API by the `$id` of their schemas, and the fields that features add to them. */
function createResources(app: FastifyInstance) {
  const schemas = new Map<string, Resource>()
  const fields = new Map<string, NamedField[]>()
  const sharing = new Map<string, readonly string[]>()
  let sealed = false

  /**
   * Registers a schema that other features may refer to with `ref` and add fields to. `shared` names the
   * properties that are equal in every answer, see `SHARED`.
   * @throws Error when the `$id` is taken or the routes are loaded already
   */
  function define(schema: Resource, { shared = [] }: { shared?: readonly string[] } = {}) {
    const id = schema.$id ?? ''
    if (sealed) throw new Error(`The resource ${id} is defined too late; define it in service.`)
    if (schemas.has(id) || app.getSchema(id))
      throw new Error(`The resource ${id} is taken; choose another $id.`)
    schemas.set(id, schema)
    sharing.set(id, shared)
  }

  /**
   * Adds an optional field to resources in every answer. `read` is called once per page with all ids of
   * the page. When `read` throws or takes longer than 1 s, the answer leaves the field out; after three
   * failures in a row, all answers leave it out for 30 s.
   * @throws Error when the name is taken, the resource does not exist or the routes are loaded already
   */
  function addField<Name extends ResourceName, Value>(
    resources: Name[],
    name: string,
    { schema: fieldSchema, read }: Field<Value, Name>,
  ) {
    if (sealed)
      throw new Error(`The field ${name} is added too late; add it in service, not in index.`)
    for (const resource of resources) assertFree(resource, name)
    const owner = app.features.current()
    // The names of the resources tie the items to their type.
    const own = app.features.own(read, FIELD_LIMIT) as NamedField['read']
    const field = { name, owner, schema: fieldSchema, read: own }
    const named = { ...field, read: createFieldReader(field, app.log) }
    for (const resource of resources) {
      const schema = schemas.get(resource)
      const properties = { ...schema?.properties, [name]: fieldSchema }
      schemas.set(resource, { ...schema, properties })
      fields.set(resource, [...(fields.get(resource) ?? []), named])
    }
  }

  function assertFree(resource: string, name: string) {
    const schema = schemas.get(resource)
    if (!schema) throw new Error(`There is no resource ${resource} to add the field ${name} to.`)
    if (name in schema.properties)
      throw new Error(`The field ${name} of ${resource} is taken; choose another name.`)
  }

  /** Adds the schemas to Fastify before the routes are compiled; they cannot change afterwards. */
  function seal() {
    sealed = true
    for (const schema of schemas.values()) app.addSchema(schema)
    for (const field of new Set([...fields.values()].flat())) assertCompiles(field)
  }

  /** Fastify would name one of the routes that show the field, not who has added it. */
  function assertCompiles({ name, owner, schema }: NamedField) {
    try {
      const object = { type: 'object', properties: { [name]: schema } }
      app.serializerCompiler?.({ schema: object, method: '', url: '' })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw blame(owner, new Error(`the schema of its field ${name} is wrong: ${reason}`))
    }
  }

  async function fill<One extends Item>(
    resource: string,
    items: One[],
    { viewerId, db = app.db, justCreated = false, synced = false }: Partial<Viewing> = {},
  ) {
    const added = fields.get(resource)
    if (!added || items.length === 0) return items
    const ids = [...new Set(items.map(({ id }) => id))]
    if (db === app.db && !synced) await app.cache.sync()
    const copies = lazily(() => items.map((item) => Object.freeze({ ...item })))
    const context = {
      viewerId,
      db,
      justCreated,
      get items() {
        return copies()
      },
    }
    const values = await Promise.all(added.map(({ read }) => read(ids, context)))
    for (const item of items) {
      for (const [i, { name }] of added.entries()) {
        const value = values[i]?.get(item.id)
        if (value !== undefined) Object.assign(item, { [name]: value })
      }
    }
    return items
  }

  /** The same object in all answers as long as the shared properties are the same: a key for what is made of them. */
  const sharedPart = (item: object): object => (item as { [SHARED]?: object })[SHARED] ?? item

  return {
    SHARED: SHARED as typeof SHARED,
    sharedPart,
    define,
    addField,
    fill,
    seal,
    sharedBy: (resource: string) => sharing.get(resource) ?? [],
    hasAddedFields: (resource: string) => fields.has(resource),
  }
}

export default fp(
  async (app) => {
    app.decorate('resources', createResources(app))
  },
  { name: 'resources', dependencies: ['db', 'features', 'cache'] },
)
