import type { FastifyInstance } from 'fastify'

type Operation = {
  tags?: string[]
  summary?: string
  operationId?: string
  security?: unknown[]
  responses: Record<string, unknown>
}

/** What routes of the app leave unsaid in /openapi.json, a sentence each; empty when all is said. */
export function undocumented(app: FastifyInstance) {
  const paths = Object.entries(app.swagger().paths ?? {})
  const operations = paths.flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, operation]) => {
      // This project's path items hold operations alone.
      return { route: `${method.toUpperCase()} ${path}`, ...(operation as Operation) }
    }),
  )
  return operations.flatMap(({ route, tags, summary, operationId, security, responses }) => {
    const statuses = Object.keys(responses)
    const gaps = {
      'has not one tag': tags?.length !== 1,
      'has no summary': !summary,
      'has no operationId': !operationId,
      'does not say by `security` what it asks for': !security,
      'declares no success': !statuses.some((status) => status < '400'),
      'declares no problems': route.includes(' /v1') && !statuses.includes('503'),
    }
    return Object.entries(gaps).flatMap(([gap, there]) => (there ? [`${route} ${gap}`] : []))
  })
}
