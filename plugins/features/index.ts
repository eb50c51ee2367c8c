import type { FastifyInstance, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { ExtensionError } from './error.ts'
import type { Feature } from './feature.ts'

declare module 'fastify' {
  interface FastifyInstance {
    features: ReturnType<typeof createFeatures>
  }
}

/** Hooks of every request: in a service, which runs at the root, they would meet everyone's. */
const REQUEST_HOOKS = new Set(
  'onRoute onRegister onRequest preParsing preValidation preHandler preSerialization onSend onResponse onError onTimeout onRequestAbort'.split(
    ' ',
  ),
)

type Owner = Pick<Feature, 'name' | 'extension'>
const KERNEL: Owner = { name: 'kernel', extension: false }

/** Knows which feature is being loaded, so that what it adds, and what fails, has an owner. */
function createFeatures(loaded: Feature[], skipped: ReadonlyMap<string, string>) {
  let current = KERNEL
  const routes = new Map<string, string>()
  const operations = new Map<string, string>()

  /** @throws ExtensionError when the route or its operationId is taken */
  function claimRoute({ method, url, schema }: RouteOptions) {
    // Two names for one parameter are one route.
    const path = url.replaceAll(/:\w+/g, ':').replace(/(?<=.)\/$/, '')
    for (const verb of [method].flat().filter((name) => name !== 'HEAD')) {
      claim(routes, `${verb} ${path}`, `the route ${verb} ${url}`)
    }
    const { operationId } = schema ?? {}
    if (operationId) claim(operations, operationId, `the operationId ${operationId}`)
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
    /** What the app was built without, and why. */
    skipped,
    current: () => current,
    enter: (feature: Owner) => {
      current = feature
    },
    leave: () => {
      current = KERNEL
    },
    claimRoute,
  }
}

type AddHook = (this: unknown, name: string, hook: (...args: unknown[]) => unknown) => unknown

/** A hook of the boot fails in its owner's name; one of the requests stays in its own scope. */
function guardHooks(app: FastifyInstance) {
  // The overloads of addHook say which hook has which arguments; nothing here looks at them.
  const addHook = app.addHook as unknown as AddHook
  const guarded: AddHook = function (name, hook) {
    const owner = app.features.current()
    if (owner.extension && this === app && REQUEST_HOOKS.has(name)) {
      throw new ExtensionError(
        owner.name,
        `its service adds the hook ${name} to every request of everyone; add it in index.`,
      )
    }
    return addHook.call(this, name, name === 'onReady' ? owned(app, owner, hook) : hook)
  }
  Object.assign(app, { addHook: guarded })
}

/** While it runs its owner is the current one, and stays it when the hook fails or hangs. */
const owned = (app: FastifyInstance, owner: Owner, hook: (...args: unknown[]) => unknown) =>
  async function (this: unknown) {
    app.features.enter(owner)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const done = (error?: unknown) => (error ? reject(error) : resolve(undefined))
    const result = hook.call(this, done)
    // A hook that names its argument calls it back; any other returns a promise or nothing.
    await (hook.length > 0 ? Promise.race([promise, result ?? promise]) : result)
    app.features.leave()
  }

export default fp<{ features: Feature[]; skipped: ReadonlyMap<string, string> }>(
  async (app, { features, skipped }) => {
    app.decorate('features', createFeatures(features, skipped))
    guardHooks(app)
    app.addHook('onRoute', (route) => app.features.claimRoute(route))
  },
  { name: 'features' },
)
