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
  const byId = Object.fromEntries(resources.map((schema) => [schema.$id, schema]))
  const compile = compiler()(byId, OPTIONS)
  return (schema: Schema): Serialize =>
    compile({ schema: simplify(schema), method: '', url: '', httpStatus: '' })
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
