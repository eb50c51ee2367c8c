import { STATUS_CODES } from 'node:http'
import type { SwaggerTransformObject } from '@fastify/swagger'
import { PROBLEMS } from '../schemas.ts'

type Schema = {
  type?: string
  default?: unknown
  required?: string[]
  minProperties?: number
  properties?: Record<string, Schema>
  items?: Schema | Schema[]
  allOf?: Schema[]
}
type Content = Record<string, { schema?: Schema }>
type Answer = { description?: string; content?: Content; headers?: object }
type Operation = {
  parameters?: { in: string; required?: boolean; schema?: Schema }[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, Answer>
  /** The class of limits, see plugins/limits. */
  'x-rate-limit'?: string
}

/** Methods without a body. With every other method Fastify reads a body, even if the route takes none. */
const BODYLESS = new Set(['get', 'head', 'trace'])
/** Fastify refuses a body with these before the route runs: too slow, too large, unknown type. */
const BODY_PROBLEMS = [408, 413, 415] as const
const text = (description: string) => ({ description, schema: { type: 'string' } })
/** Headers of a 429; those of draft-ietf-httpapi-ratelimit-headers-10 are in other answers as well. */
const LIMIT_HEADERS = {
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } },
  RateLimit: text('The limit that is nearest: `r` requests are left for `t` seconds.'),
  'RateLimit-Policy': text('The limits of the operation: `q` requests in `w` seconds.'),
}

/** Adds to every operation the parts that hold for all routes, so that no route repeats them. */
export const completeDocument: SwaggerTransformObject = (input) => {
  if (!('openapiObject' in input)) return input.swaggerObject
  for (const path of Object.values(input.openapiObject.paths ?? {})) {
    // This project's path items hold only operations.
    for (const [method, operation] of Object.entries((path ?? {}) as Record<string, Operation>)) {
      if (!BODYLESS.has(method)) declareBodyProblems(operation)
      declareLimit(operation)
      describeAnswers(operation)
      makeDefaultedOptional(operation)
    }
  }
  return input.openapiObject
}

function declareBodyProblems({ responses }: Operation) {
  for (const status of BODY_PROBLEMS) {
    responses[status] ??= { ...responses[400], description: PROBLEMS[status] }
  }
}

/** A 429 has the form of the other errors of its operation. */
function declareLimit({ responses, 'x-rate-limit': limit }: Operation) {
  if (!limit) return
  const { content } = responses[400] ?? {}
  responses[429] = {
    description: PROBLEMS[429],
    ...(content && { content }),
    ...responses[429],
    headers: LIMIT_HEADERS,
  }
}

function describeAnswers({ responses }: Operation) {
  for (const [status, answer] of Object.entries(responses)) {
    if (answer.description === 'Default Response') answer.description = STATUS_CODES[status] ?? ''
  }
}

/** Makes fields with a default optional: handlers always get them, so TypeBox lists them as required. */
function makeDefaultedOptional({ parameters = [], requestBody }: Operation) {
  for (const parameter of parameters) {
    if (parameter.in !== 'path' && parameter.schema?.default !== undefined)
      parameter.required = false
  }
  if (!requestBody) return
  for (const media of Object.values(requestBody.content)) {
    if (media.schema) media.schema = withDefaultedOptional(media.schema)
  }
  requestBody.required = Object.values(requestBody.content).some(isNeeded)
}

/** False when an object without fields is valid, since an absent body counts as such an object. */
const isNeeded = ({ schema }: { schema?: Schema }) =>
  schema?.type !== 'object' || (schema.required ?? []).length > 0 || (schema.minProperties ?? 0) > 0

/** Returns a copy in which fields with a default are optional, wherever Ajv fills defaults in. */
function withDefaultedOptional({ required, properties, items, allOf, ...schema }: Schema): Schema {
  const fields = Object.entries(properties ?? {})
  return {
    ...schema,
    ...(required && {
      required: required.filter((name) => properties?.[name]?.default === undefined),
    }),
    ...(properties && {
      properties: Object.fromEntries(
        fields.map(([name, field]) => [name, withDefaultedOptional(field)]),
      ),
    }),
    ...(items && {
      items: Array.isArray(items) ? items.map(withDefaultedOptional) : withDefaultedOptional(items),
    }),
    ...(allOf && { allOf: allOf.map(withDefaultedOptional) }),
  }
}
