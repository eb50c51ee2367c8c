import createError from '@fastify/error'

/** Most uploads in progress per process; each holds up to 8 MB of disk. */
const PLACES = 64
/** Most uploads in progress of one account: the pictures of two tweets. */
const OWN = 8
/** One account may hold this part of the places that are free, so that some stay free for others. */
const SHARE = 1 / 4

const TooManyUploads = createError(
  'TOO_MANY_UPLOADS',
  'Too many uploads are in progress; try again in a moment.',
  503,
)
const TooManyOwnUploads = createError(
  'TOO_MANY_OWN_UPLOADS',
  `You have ${OWN} uploads in progress; wait until one of them has ended.`,
  429,
)

/** Returns a function that runs a work while it holds a place for an account. */
export function createPlaces() {
  /** Places held, by account. */
  const held = new Map<unknown, number>()
  let free = PLACES

  /** @throws TooManyOwnUploads, TooManyUploads */
  return async function hold<T>(account: unknown, work: () => Promise<T>) {
    const own = held.get(account) ?? 0
    if (own >= OWN) throw new TooManyOwnUploads()
    if (free === 0 || (own > 0 && own >= free * SHARE)) throw new TooManyUploads()
    held.set(account, own + 1)
    free--
    try {
      return await work()
    } finally {
      free++
      const left = (held.get(account) ?? 0) - 1
      if (left > 0) held.set(account, left)
      else held.delete(account)
    }
  }
}
