import type { FastifyInstance } from 'fastify'

type Schema = {
  required?: string[]
  default?: unknown
  properties?: Record<string, Schema>
  items?: Schema
}
type Content = Record<string, { schema?: Schema }>
type Operation = {
  tags?: string[]
  summary?: string
  operationId?: string
  security?: object[]
  parameters?: { in: string; name: string; required?: boolean; schema?: Schema }[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { content?: Content }>
}

/** Fastify reads no body of these. */
const BODYLESS = new Set(['GET', 'HEAD', 'TRACE'])
/** Too slow, too large, of an unknown type. */
const OF_BODIES = ['408', '413', '415']

/** The operations of /openapi.json, each with its method and its line, such as `GET /v1/tweets`. */
export function operationsOf(app: FastifyInstance) {
  const paths = Object.entries(app.swagger().paths ?? {})
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([name, operation]) => {
      const method = name.toUpperCase()
      // This project's path items hold operations alone.
      return { ...(operation as Operation), method, route: `${method} ${path}` }
    }),
  )
}

/** Lists what is missing in /openapi.json about the routes of the app, one sentence each. */
export function undocumented(app: FastifyInstance) {
  return operationsOf(app).flatMap((operation) => {
    const { route, method, tags, summary, operationId, security, parameters, responses } = operation
    const statuses = Object.keys(responses)
    const gaps = {
      'has not one tag': tags?.length !== 1,
      'has no summary': !summary,
      'has no operationId': !operationId,
      'does not say by `security` what it asks for': !security,
      'declares no success': !statuses.some((status) => status < '400'),
      'declares no problems': route.includes(' /v1') && !statuses.includes('503'),
      'does not declare 408, 413 and 415, which any body may get':
        !BODYLESS.has(method) && !OF_BODIES.every((status) => statuses.includes(status)),
      'requires a parameter that has a default': parameters?.some(
        ({ required, schema }) => required && schema?.default !== undefined,
      ),
    }
    return Object.entries(gaps).flatMap(([gap, there]) => (there ? [`${route} ${gap}`] : []))
  })
}
