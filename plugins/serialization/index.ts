import compiler from '@fastify/fast-json-stringify-compiler'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import fp from 'fastify-plugin'
import { bothWays, type Schema, simplify } from './nullable.ts'
import { createPageSerializers } from './pages.ts'

export type Serialize = (value: unknown) => string

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
    app.setSerializerCompiler(({ schema }: Parameters<FastifySchemaCompiler<Schema>>[0]) => {
      const compile = createCompile(app)
      // Fastify sends bytes as they are, which its types don't say.
      return (pages.compile(schema, compile) ?? compile(schema)) as Serialize
    })
  },
  { name: 'serialization', dependencies: ['schemas', 'resources'] },
)
