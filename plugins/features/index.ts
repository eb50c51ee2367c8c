import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { runWithin } from '../db/extension-work.ts'
import { ExtensionError } from './error.ts'
import type { Feature, Owner } from './feature.ts'
import { guardRoot } from './guard.ts'
import { createReplacements } from './replaced.ts'

declare module 'fastify' {
  interface FastifyInstance {
    features: ReturnType<typeof createFeatures>
    optional: Optional
  }
}

declare module 'fastify-plugin' {
  interface PluginMetadata {
    /** Services that are loaded before this one if they are installed. */
    optional?: string[]
  }
}

/** The service of a feature that may not be installed. */
type Optional = {
  <Name extends keyof FastifyInstance & string>(name: Name): FastifyInstance[Name] | undefined
  /** For a service whose types are not known: declare the part of it that you use. */
  <Service>(name: string): Service | undefined
}

const KERNEL: Owner = { name: 'kernel', extension: false }

/** A route whose last part is open: `/v1/*`, `/v1/tweets/:any`. */
const TAKES_BELOW = /^(.*?)(?:\*|(?<=\/):\w+(?:\(.*\))?\??\/?)$/
/** Fastify compiles the schemas of all routes at the end, and names the route alone. */
const BROKEN_SCHEMA = /Failed building the \w+ schema for ([A-Z]+).*?: (\S+?)\/?, due to/

/** Two names for one parameter are one route. */
const unnamed = (url: string) => url.replaceAll(/:\w+/g, ':')

/** Knows which feature is being loaded, so that what it adds, and what fails, has an owner. */
function createFeatures(
  app: FastifyInstance,
  loaded: Feature[],
  skipped: ReadonlyMap<string, string>,
) {
  let current = KERNEL
  const replacements = createReplacements(app)
  const routes = new Map<string, string>()
  const operations = new Map<string, string>()
  /** Paths below which an extension takes all, and its name. */
  const open = new Map<string, string>()

  /** @throws ExtensionError when the route or its operationId is taken */
  function claimRoute({ method, url, schema }: RouteOptions) {
    const path = unnamed(url).replace(/(?<=.)\/$/, '')
    // Another method of a path that exists takes no unknown path.
    const wasKnown = [...routes.keys()].some((route) => route.endsWith(` ${path}`))
    const [above, owner] = [...open].find(([start]) => path.startsWith(start)) ?? []
    if (above !== undefined && owner !== current.name) {
      throw new ExtensionError(
        current.name,
        `the route ${url} is below ${above}, where ${owner} takes all paths; put a path of its own before it.`,
      )
    }
    for (const verb of [method].flat().filter((name) => name !== 'HEAD')) {
      claim(routes, `${verb} ${path}`, `the route ${verb} ${url}`)
    }
    const { operationId } = schema ?? {}
    if (operationId) claim(operations, operationId, `the operationId ${operationId}`)
    const below = TAKES_BELOW.exec(url)?.[1]
    if (below !== undefined && !wasKnown) claimPathsBelow(below, `the route ${url}`)
  }

  /**
   * An extension takes all paths below another only where nobody else has a route.
   * @throws ExtensionError
   */
  function claimPathsBelow(path: string, what: string) {
    if (!current.extension) return
    const start = unnamed(path)
    for (const [route, owner] of routes) {
      if (owner !== current.name && route.slice(route.indexOf(' ') + 1).startsWith(start)) {
        throw new ExtensionError(
          current.name,
          `${what} also takes unknown paths below ${path}, where ${owner} has routes; put a path of its own before it.`,
        )
      }
    }
    open.set(start, current.name)
  }

  function claim(owners: Map<string, string>, key: string, what: string) {
    const owner = owners.get(key)
    if (owner !== undefined && owner !== current.name) {
      throw new ExtensionError(current.name, `${what} is taken by ${owner}; choose another.`)
    }
    owners.set(key, current.name)
  }

  return {
    names: loaded.filter(({ extension }) => extension).map(({ name }) => name),
    /** The extensions that the app was built without, and why. */
    skipped,
    current: () => current,
    enter: (feature: Owner) => {
      current = feature
      replacements.begin(feature)
    },
    /** @throws ExtensionError when the current feature has replaced what is not its own */
    leave: () => {
      const replaced = replacements.find(current)
      if (replaced) {
        throw new ExtensionError(
          current.name,
          `it replaces ${replaced}, which others use; decorate a name of its own.`,
        )
      }
      current = KERNEL
    },
    claimRoute,
    claimPathsBelow,
    /**
     * Returns a function of the current feature that is called later. When the feature is an extension, the
     * statements of each call use the extension's connections and end after that many milliseconds.
     */
    own<Args extends unknown[], Result>(
      work: (...args: Args) => Promise<Result>,
      milliseconds: number,
      lane?: string,
    ) {
      const { name: owner, extension } = current
      if (!extension) return work
      const share = lane ? `${owner} ${lane}` : owner
      return (...args: Args) => runWithin({ owner, share }, milliseconds, () => work(...args))
    },
    /** The feature whose failure stopped the start: the owner of the named route, or the current feature. */
    culprit(error: unknown): Owner {
      const [, verb, url = ''] = BROKEN_SCHEMA.exec(String(error)) ?? []
      const owner = routes.get(`${verb} ${unnamed(url)}`)
      return loaded.find(({ name }) => name === owner) ?? current
    },
  }
}

export default fp<{ features: Feature[]; skipped: ReadonlyMap<string, string> }>(
  async (app, { features, skipped }) => {
    app.decorate('features', createFeatures(app, features, skipped))
    const optional = (name: string) => (app.hasDecorator(name) ? app.getDecorator(name) : undefined)
    app.decorate('optional', optional as Optional)
    guardRoot(app)
    app.addHook('onRoute', (route) => app.features.claimRoute(route))
  },
  { name: 'features' },
)
