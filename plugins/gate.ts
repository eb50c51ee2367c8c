import pLimit from 'p-limit'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/**
 * Returns a function that runs at most `atOnce` works concurrently. Up to `waiting` further works wait for
 * their turn, first come, first served, each for at most `patience` milliseconds.
 * @throws the error of `refuse` when even more are started, and for a work that has waited too long
 */
export function createGate(
  atOnce: number,
  waiting: number,
  refuse: () => Error,
  patience?: number,
) {
  const limit = pLimit(atOnce)

  return async function pass<T>(work: () => Promise<T>) {
    if (limit.activeCount + limit.pendingCount >= atOnce + waiting) throw refuse()
    return patience === undefined ? limit(work) : passInTime(work, patience)
  }

  async function passInTime<T>(work: () => Promise<T>, patience: number) {
    const { promise: late, reject } = Promise.withResolvers<never>()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(refuse())
    }, patience)
    const passing = limit(() => {
      clearTimeout(timer)
      // A work that has been refused leaves its turn to the next.
      return isLate ? late : work()
    })
    return Promise.race([passing, late])
  }
}
