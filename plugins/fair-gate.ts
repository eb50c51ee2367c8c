// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Where a work comes from. `isKnown` says that the account signed in from that address before. */
export type Origin = { address: string; account: string; isKnown?: boolean }

/** Known origins of one address that count as one: a household or a small office logs in together. */
const KNOWN_TOGETHER = 8

type Waiting = Origin & { place: number; begin: () => void; refuse: () => void }

/**
 * `pass` runs at most `atOnce` works concurrently. Up to `waiting` further works wait for
 * their turn. The first work of every address and account comes before the second of any, so nobody waits for
 * all works of another. Works of known origins come first, eight of an address at a time.
 * @throws the error of `refuse` for the last works when more wait
 */
export function createFairGate(atOnce: number, waiting: number, refuse: () => Error) {
  const queue: Waiting[] = []
  let running = 0

  /** A new work of this origin waits behind all works of a lower place. */
  function placeOf({ address, account, isKnown }: Origin) {
    const ofAddress = queue.filter((one) => one.address === address)
    if (isKnown) return Math.floor(ofAddress.filter((one) => one.isKnown).length / KNOWN_TOGETHER)
    return Math.max(ofAddress.length, queue.filter((one) => one.account === account).length)
  }

  /** True when a new work of this origin would be refused. */
  function isFull(origin: Origin) {
    const last = queue.at(-1)
    return (
      queue.length >= waiting && !!last && !isBefore({ ...origin, place: placeOf(origin) }, last)
    )
  }

  async function pass<T>(origin: Origin, work: () => Promise<T>) {
    if (running >= atOnce) await turn(origin)
    else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      // The turn passes on without a moment in which another work could take it.
      if (next) next.begin()
      else running--
    }
  }

  function turn(origin: Origin) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const one = {
      ...origin,
      place: placeOf(origin),
      begin: resolve,
      refuse: () => reject(refuse()),
    }
    const at = queue.findIndex((other) => isBefore(one, other))
    queue.splice(at < 0 ? queue.length : at, 0, one)
    if (queue.length > waiting) queue.pop()?.refuse()
    return promise
  }

  return { pass, isFull, running: () => running, waiting: () => queue.length }
}

/** Works of one place take their turns as they came, known origins first. */
const isBefore = (one: Pick<Waiting, 'place' | 'isKnown'>, other: Waiting) =>
  one.place < other.place || (one.place === other.place && !!one.isKnown && !other.isKnown)
