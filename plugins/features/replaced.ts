import type { FastifyInstance } from 'fastify'
import type { Owner } from './feature.ts'

/** Decorators of which every part is compared, not only functions. */
const WHOLE = new Set(['tables', 'config'])
const PROTOTYPES: unknown[] = [Object.prototype, null]

/**
 * Finds the parts of `app` that an extension has replaced and that are not its own. They are compared
 * instead of frozen, so that tests can put a watch on them.
 */
export function createReplacements(app: FastifyInstance) {
  /** The extension that has added each decorator; the kernel's and the features' have no entry. */
  const owners = new Map<string, string>()
  let before = new Map<string, unknown>()

  function begin({ name, extension }: Owner) {
    const decorators = Object.keys(app).filter((key) => owners.get(key) !== name)
    before = extension ? partsOf(app, decorators) : new Map()
  }

  /** The path of the first part that has been replaced since `begin`, such as `app.tweets.get`. */
  function find({ name, extension }: Owner) {
    if (!extension) return undefined
    const added = Object.keys(app).filter((key) => !before.has(`app.${key}`) && !owners.has(key))
    for (const key of added) owners.set(key, name)
    const now = partsOf(app, Object.keys(app))
    const changed = [...before.keys()].find((path) => now.get(path) !== before.get(path))
    return changed ?? methodAdded(now)
  }

  /** A function that is set on an instance hides the method of its class. */
  const methodAdded = (now: Map<string, unknown>) =>
    [...now.keys()].find((path) => {
      const [, decorator = '', method] = path.split('.')
      const existed = before.has(`app.${decorator}`) && !before.has(path)
      return existed && method !== undefined && isInstance(ownValue(app, decorator))
    })

  return { begin, find }
}

/** Decorators, the functions in them, the tables and the settings. Other values may be the state of a service. */
function partsOf(app: FastifyInstance, decorators: string[]) {
  const parts = new Map<string, unknown>()
  for (const decorator of decorators) {
    const value = ownValue(app, decorator)
    parts.set(`app.${decorator}`, value)
    if (typeof value !== 'object' || value === null) continue
    for (const key of Object.keys(value)) {
      const part = ownValue(value, key)
      if (typeof part === 'function' || WHOLE.has(decorator)) {
        parts.set(`app.${decorator}.${key}`, part)
      }
    }
  }
  return parts
}

/** Getters are not called. */
const ownValue = (object: object, key: string): unknown =>
  Object.getOwnPropertyDescriptor(object, key)?.value

const isInstance = (value: unknown) =>
  typeof value === 'object' && value !== null && !PROTOTYPES.includes(Object.getPrototypeOf(value))
