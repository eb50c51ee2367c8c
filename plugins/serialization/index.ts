import compiler from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { bothWays, type Schema, type Serialize, simplify } from './nullable.ts'
import { createPageSerializers } from './pages.ts'

/** Answers are our own: their formats need no check. */
const OPTIONS = { ajv: { validateFormats: false } }

/** A compiler of answers that refer to the resources, which are all known by now. */
function createCompile(app: FastifyInstance) {
  const resources = (Object.values(app.getSchemas()) as Schema[]).flatMap(bothWays)
  const compile = compiler()(Object.fromEntries(resources.map((one) => [one.$id, one])), OPTIONS)
  return (schema: Schema): Serialize =>
    compile({ schema: simplify(schema), method: '', url: '', httpStatus: '' })
}

export default fp(
  async (app) => {
    const pages = createPageSerializers(app)
    // Nearly every route answers with the same problems: 5 MB and half a second of a start.
    const known = new Map<string, Serialize>()
    app.setSerializerCompiler(({ schema }: { schema: Schema }) => {
      const key = JSON.stringify(schema)
      const serialize = known.get(key) ?? compile(schema)
      known.set(key, serialize)
      return serialize
    })

    function compile(schema: Schema) {
      const compileAny = createCompile(app)
      // Fastify sends bytes as they are, which its types don't say.
      return (pages.compile(schema, compileAny) ?? compileAny(schema)) as Serialize
    }
  },
  { name: 'serialization', dependencies: ['schemas', 'resources'] },
)
