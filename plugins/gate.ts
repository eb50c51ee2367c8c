import pLimit from 'p-limit'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/**
 * Returns a function that runs at most `atOnce` works concurrently. Up to `waiting` further works wait for
 * their turn, first come, first served. @throws the error of `refuse` when even more are started
 */
export function createGate(atOnce: number, waiting: number, refuse: () => Error) {
  const limit = pLimit(atOnce)
  return async function pass<T>(work: () => Promise<T>) {
    if (limit.activeCount + limit.pendingCount >= atOnce + waiting) throw refuse()
    return limit(work)
  }
}
