import type { FastifyInstance } from 'fastify'
import type { Owner } from './feature.ts'

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
    return [...before.keys()].find((path) => now.get(path) !== before.get(path))
  }

  return { begin, find }
}

/** Decorators, the functions in them and the tables. Other values may be the state of a service. */
function partsOf(app: FastifyInstance, decorators: string[]) {
  const parts = new Map<string, unknown>()
  for (const decorator of decorators) {
    const value = ownValue(app, decorator)
    parts.set(`app.${decorator}`, value)
    if (!isPlain(value)) continue
    for (const key of Object.keys(value)) {
      const part = ownValue(value, key)
      if (typeof part === 'function' || decorator === 'tables') {
        parts.set(`app.${decorator}.${key}`, part)
      }
    }
  }
  return parts
}

/** Getters are not called. */
const ownValue = (object: object, key: string): unknown =>
  Object.getOwnPropertyDescriptor(object, key)?.value

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && PROTOTYPES.includes(Object.getPrototypeOf(value))
