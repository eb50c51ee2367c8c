import { STATUS_CODES } from 'node:http'
import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import packageJson from '../package.json' with { type: 'json' }
import { PROBLEMS } from './schemas.ts'

const DESCRIPTION = `
A mini social network: sign up, tweet, like, follow, read your timeline.

**Try it**: call \`POST /v1/auth/login\`, copy the \`accessToken\` of the answer, press *Authorize*
and paste it. It lives 15 minutes; \`POST /v1/auth/refresh\` gives the next.

**Lists** are \`{ items, nextCursor }\`, newest first. Pass \`nextCursor\` back as \`?cursor=\` until
it is null; the header \`Link: <...>; rel="next"\` says the same.

**Errors** are RFC 9457 \`application/problem+json\` with a stable \`code\`; a validation error lists
each field in \`errors\`. An error 503 carries \`Retry-After\`.

**Ids** are positive integers below 2^53; times are RFC 3339 in UTC with milliseconds.
`

const TAGS = [
  { name: 'auth', description: 'Sign up, log in, sessions' },
  { name: 'users', description: 'Accounts and profiles' },
  { name: 'tweets', description: 'Tweets, replies, retweets, likes' },
  { name: 'graph', description: 'Follow, block, mute' },
  { name: 'timeline', description: 'The home timeline' },
  { name: 'media', description: 'Pictures in tweets and of profiles' },
  { name: 'flat', description: 'The original API, for its existing clients' },
  { name: 'operations', description: 'Health' },
]

type Schema = {
  default?: unknown
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema | Schema[]
  allOf?: Schema[]
}
type Content = Record<string, { schema?: Schema }>
type Answer = { description?: string; content?: Content }
type Operation = {
  parameters?: { in: string; required?: boolean; schema?: Schema }[]
  requestBody?: { content: Content }
  responses: Record<string, Answer>
}

/** Fastify reads a body with every other method, whether the route asks for one or not. */
const BODYLESS = new Set(['get', 'head', 'trace'])
/** Fastify refuses a body with these before the route sees it: too slow, too large, unknown type. */
const BODY_PROBLEMS = [408, 413, 415] as const

/** Adds to every operation the parts that hold for all routes, so that no route repeats them. */
const completeDocument: SwaggerTransformObject = (input) => {
  if (!('openapiObject' in input)) return input.swaggerObject
  for (const path of Object.values(input.openapiObject.paths ?? {})) {
    // A path item may hold more than operations; this project's hold nothing else.
    for (const [method, operation] of Object.entries((path ?? {}) as Record<string, Operation>)) {
      if (!BODYLESS.has(method)) declareBodyProblems(operation)
      describeAnswers(operation)
      makeDefaultedOptional(operation)
    }
  }
  return input.openapiObject
}

/** The answers have the form of the route's other problems: JSON, or plain text. */
function declareBodyProblems({ responses }: Operation) {
  for (const status of BODY_PROBLEMS) {
    responses[status] ??= { ...responses[400], description: PROBLEMS[status] }
  }
}

/** Says what a status means where the route leaves it to its schema. */
function describeAnswers({ responses }: Operation) {
  for (const [status, answer] of Object.entries(responses)) {
    if (answer.description === 'Default Response') answer.description = STATUS_CODES[status] ?? ''
  }
}

/** TypeBox lists fields with a default as required, because handlers get them; clients may omit them. */
function makeDefaultedOptional({ parameters = [], requestBody }: Operation) {
  for (const parameter of parameters) {
    if (parameter.in !== 'path' && parameter.schema?.default !== undefined)
      parameter.required = false
  }
  for (const media of Object.values(requestBody?.content ?? {})) {
    if (media.schema) media.schema = withDefaultedOptional(media.schema)
  }
}

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
        fields.map(([name, one]) => [name, withDefaultedOptional(one)]),
      ),
    }),
    ...(items && {
      items: Array.isArray(items) ? items.map(withDefaultedOptional) : withDefaultedOptional(items),
    }),
    ...(allOf && { allOf: allOf.map(withDefaultedOptional) }),
  }
}

/** Must be there before the first route: it learns of routes from a hook. */
export default fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Birdhouse',
          version: packageJson.version,
          description: DESCRIPTION.trim(),
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'This server' }],
        tags: TAGS,
        components: {
          securitySchemes: {
            bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
            flatToken: {
              type: 'apiKey',
              in: 'header',
              name: 'Authorization',
              description: 'The token as it is, without the word Bearer.',
            },
          },
        },
      },
      transformObject: completeDocument,
      refResolver: {
        buildLocalReference: (json, _baseUri, _fragment, i) => String(json.$id ?? `def-${i}`),
      },
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      // Try-it must work where the service is reached by plain HTTP as well.
      transformStaticCSP: (policy) => policy.replace('upgrade-insecure-requests;', ''),
      uiConfig: {
        persistAuthorization: true,
        displayRequestDuration: true,
        docExpansion: 'list',
        deepLinking: true,
      },
      theme: { title: 'Birdhouse API' },
    })
    const hidden = { schema: { hide: true } }
    app.get('/openapi.json', hidden, async () => app.swagger())
    app.get('/', hidden, async (_request, reply) => reply.redirect('/docs'))
  },
  { name: 'openapi', dependencies: ['security', 'schemas'] },
)
