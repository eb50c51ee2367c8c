import type { FastifyError, FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { describe } from './errors/problem.ts'
import { readFlags } from './http/flags.ts'
import { acceptForms } from './http/forms.ts'
import { closeUnread } from './multipart/size.ts'
import { compileLater, createAjv } from './validation.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes a scope speak an API with rules of its own. Call it before the scope's first route. */
    dialect: (scope: FastifyInstance, options: Dialect) => void
    /** The scope of the dialect that takes the unknown paths at this URL. */
    dialectAt: (url: string) => FastifyInstance | undefined
    /** The error handler of this scope also answers browsers at unknown paths, except below `/v1` and in dialects. */
    takeUnknownPages: (scope: FastifyInstance) => void
    /** The scope whose error handler answers a request of an unknown path, if it is not the root's. */
    takerOf: (request: FastifyRequest) => FastifyInstance | undefined
  }
}

export type Dialect = {
  /** Paths such as `/api`: unknown paths below them are answered in this dialect. */
  below?: string[]
  /** The body of an answer to an error. */
  error: (problem: ReturnType<typeof describe>, request: FastifyRequest) => unknown
}

const API = /^\/v1(?:[/?]|$)/

/** Programs that take anything, or JSON as well, are no browsers. */
const isBrowser = ({ headers: { accept = '' } }: FastifyRequest) =>
  accept.includes('text/html') && !accept.includes('json')

const SECOND = Symbol('a route with a slash at its end')

/** Adds each route with a slash at its end as well. */
function addSlash(this: FastifyInstance, route: RouteOptions & { [SECOND]?: boolean }) {
  const { url, method } = route
  if (route[SECOND] || method === 'HEAD' || url.endsWith('/') || url.endsWith('*')) return
  const path = url.slice(this.prefix.length)
  this.route({ ...route, url: `${path}/`, exposeHeadRoute: false, [SECOND]: true } as RouteOptions)
}

function openAndHide(route: RouteOptions) {
  route.config = { ...route.config, anyOrigin: true }
  route.schema = { ...route.schema, hide: true }
}

/** A form may be multipart wherever a route does not read the multipart body itself. */
function takeForms(route: RouteOptions) {
  const isRead = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD')
  if (isRead || route.schema?.consumes || route.config?.files) return
  route.config = { ...route.config, files: [] }
  route.onSend = [closeUnread, route.onSend ?? []].flat()
}

export default fp(
  async (app) => {
    const scopes: { start: string; scope: FastifyInstance }[] = []

    app.decorate('dialect', (scope, { below = [], error: body }) => {
      const ajv = createAjv('array')
      scope.setValidatorCompiler<object>(({ schema }) => {
        const validate = compileLater(schema, ajv)
        return (data: unknown) => {
          readFlags(schema, data)
          return validate(data)
        }
      })
      scope.addHook('onRoute', openAndHide)
      scope.addHook('onRoute', takeForms)
      scope.addHook('onRoute', addSlash)
      acceptForms(scope)
      scope.setErrorHandler<FastifyError>((error, request, reply) => {
        const problem = app.errors.report(error, request, reply)
        return reply.code(problem.status).send(body(problem, request))
      })
      for (const path of below) {
        app.features.claimPathsBelow(`${path}/`, 'a dialect')
        scopes.push({ start: `${path}/`, scope })
      }
    })

    app.decorate('dialectAt', (url) => {
      const path = url.split('?')[0] ?? ''
      return scopes.find(({ start }) => `${path}/`.startsWith(start))?.scope
    })

    let pages: FastifyInstance | undefined
    app.decorate('takeUnknownPages', (scope) => {
      if (pages) throw new Error('Another extension answers browsers at unknown paths.')
      pages = scope
    })
    app.decorate('takerOf', (request) => {
      const { url } = request
      return app.dialectAt(url) ?? (isBrowser(request) && !API.test(url) ? pages : undefined)
    })
  },
  { name: 'dialect', dependencies: ['errors', 'features', 'validation'] },
)
