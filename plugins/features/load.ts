import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { PluginMetadata } from 'fastify-plugin'
import { blame } from './error.ts'
import type { Feature } from './feature.ts'
import { ownRequests } from './requests.ts'

type Meta = Pick<PluginMetadata, 'name' | 'dependencies' | 'optional'>

/**
 * Every service, in the order of what they depend on, then every feature's routes. When one fails,
 * its feature is left as the current one. The documentation is at / unless a feature has a page there.
 */
export async function loadFeatures(app: FastifyInstance, features: Feature[]) {
  for (const feature of inOrder(app, features)) {
    if (feature.service) await register(app, feature, feature.service, {})
  }
  app.resources.seal()
  for (const feature of features) {
    await register(app, feature, routesOf(feature), { prefix: feature.prefix })
  }
  if (!app.hasRoute({ method: 'GET', url: '/' }))
    app.get('/', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/docs'))
}

/** An extension's routes are in a scope within one that knows whose they are. */
const routesOf = ({ name, extension, index }: Feature): FastifyPluginAsync =>
  extension
    ? async (scope) => {
        ownRequests(scope, name)
        await scope.register(index)
      }
    : index

async function register(
  app: FastifyInstance,
  feature: Feature,
  plugin: FastifyPluginAsync,
  options: { prefix?: string },
) {
  app.features.enter(feature)
  await app.register(plugin, options)
  app.features.leave()
}

/** @throws ExtensionError when a dependency is missing or goes in a circle */
function inOrder(app: FastifyInstance, features: Feature[]) {
  const waiting = new Set(features)
  const done: Feature[] = []
  const provided = new Set<string>()
  const isComing = (name: string) => [...waiting].some((feature) => meta(feature).name === name)
  const missing = (feature: Feature) => {
    const { dependencies = [], optional = [] } = meta(feature)
    const needed = [...dependencies, ...optional.filter(isComing)]
    return needed.filter((name) => !app.hasPlugin(name) && !provided.has(name))
  }
  while (waiting.size > 0) {
    const next = [...waiting].find((feature) => missing(feature).length === 0)
    if (!next) throw stuck(app, [...waiting], missing)
    waiting.delete(next)
    done.push(next)
    provided.add(meta(next).name ?? '')
  }
  return done
}

function stuck(app: FastifyInstance, waiting: Feature[], missing: (feature: Feature) => string[]) {
  const coming = new Set(waiting.map((feature) => meta(feature).name))
  const unmet = (feature: Feature) => missing(feature).find((name) => !coming.has(name))
  const feature = waiting.find(unmet) ?? waiting[0]
  if (!feature) return new Error('no feature is waiting')
  const name = unmet(feature)
  if (!name) {
    const circle = waiting.map((one) => one.name).join(', ')
    return blame(feature, new Error(`the dependencies of ${circle} go in a circle; cut one.`))
  }
  const reason = app.features.skipped.get(name.replace(/\.service$/, ''))
  const why = reason ? `was left out (${reason})` : 'is not installed'
  return blame(
    feature,
    new Error(`it needs ${name}, which ${why}. Add that to EXTENSIONS, or remove this one.`),
  )
}

// fastify-plugin leaves what it was told under this symbol.
const meta = ({ service }: Feature): Meta =>
  (service as { [key: symbol]: Meta } | undefined)?.[Symbol.for('plugin-meta')] ?? {}
