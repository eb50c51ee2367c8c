import compiler from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { lazily } from '../lazily.ts'
import { assertSchema } from '../validation.ts'
import { bothWays, type Schema, type Serialize, simplify } from './nullable.ts'
import { createPageSerializers } from './pages.ts'

/** Formats are not checked, because the server makes the answers itself. */
const OPTIONS = { ajv: { validateFormats: false } }

const REFERENCE = /"\$ref":"([^"#]+)/g

/** Compiles the serializers of answers. Call the result after all resources are defined. */
function createCompile(app: FastifyInstance) {
  const byId = lazily(() => {
    const resources = (Object.values(app.getSchemas()) as Schema[]).flatMap(bothWays)
    return new Map(resources.map((schema) => [String(schema.$id), schema]))
  })
  return (schema: Schema): Serialize => {
    const simple = simplify(schema)
    const compile = compiler()(referredTo(simple, byId()), OPTIONS)
    return compile({ schema: simple, method: '', url: '', httpStatus: '' })
  }
}

/**
 * The resources that a schema refers to, through others as well. The library checks and copies each resource
 * that it is given, for each schema: with all of them a start took a fifth longer.
 */
function referredTo(schema: Schema, byId: Map<string, Schema>, found: Record<string, Schema> = {}) {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(REFERENCE)) {
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
    const compileAny = createCompile(app)
    // Nearly all routes have the same problem answers; sharing them saves 5 MB and 0.5 s.
    const compiled = new Map<string, Serialize>()
    app.setSerializerCompiler(({ schema }: { schema: Schema }) => {
      const key = JSON.stringify(schema)
      const serialize = compiled.get(key) ?? compileLater(schema, key)
      compiled.set(key, serialize)
      return serialize
    })

    /** Compiled for the first answer, as in plugins/validation.ts. @throws Error for a wrong schema */
    function compileLater(schema: Schema, text: string): Serialize {
      assertSchema(schema)
      // Fastify's types lack serializers that return a Buffer, which Fastify sends unchanged.
      const serialize = lazily(
        () => (pages.compile(schema, compileAny) ?? compileAny(schema)) as Serialize,
      )
      const names = [...text.matchAll(REFERENCE)].map(([, name = '']) => name)
      if (!names.every((name) => app.getSchema(name))) serialize()
      return (value) => serialize()(value)
    }
  },
  { name: 'serialization', dependencies: ['schemas', 'resources'] },
)
