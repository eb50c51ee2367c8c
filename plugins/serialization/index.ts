import compiler from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { bothWays, type Schema, type Serialize, simplify } from './nullable.ts'
import { createPageSerializers } from './pages.ts'

/** Formats are not checked, because the server makes the answers itself. */
const OPTIONS = { ajv: { validateFormats: false } }

/** Compiles the serializers of answers. Call it after all resources are defined. */
function createCompile(app: FastifyInstance) {
  const resources = (Object.values(app.getSchemas()) as Schema[]).flatMap(bothWays)
  const byId = new Map(resources.map((schema) => [String(schema.$id), schema]))
  return (schema: Schema): Serialize => {
    const simple = simplify(schema)
    const compile = compiler()(referredTo(simple, byId), OPTIONS)
    return compile({ schema: simple, method: '', url: '', httpStatus: '' })
  }
}

/**
 * The resources that a schema refers to, through others as well. The library checks and copies each resource
 * that it is given, for each schema: with all of them a start took a fifth longer.
 */
function referredTo(schema: Schema, byId: Map<string, Schema>, found: Record<string, Schema> = {}) {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"\$ref":"([^"#]+)#/g)) {
    const resource = byId.get(name)
    if (!resource || name in found) continue
    found[name] = resource
    referredTo(resource, byId, found)
  }
  return found
}

export default fp(
  async (app) => {
    const pages = createPageSerializers(app)
    // Nearly all routes have the same problem answers; sharing them saves 5 MB and 0.5 s at start.
    const compiled = new Map<string, Serialize>()
    app.setSerializerCompiler(({ schema }: { schema: Schema }) => {
      const key = JSON.stringify(schema)
      const serialize = compiled.get(key) ?? compile(schema)
      compiled.set(key, serialize)
      return serialize
    })

    function compile(schema: Schema) {
      const compileAny = createCompile(app)
      // Fastify's types lack serializers that return a Buffer, which Fastify sends unchanged.
      return (pages.compile(schema, compileAny) ?? compileAny(schema)) as Serialize
    }
  },
  { name: 'serialization', dependencies: ['schemas', 'resources'] },
)
