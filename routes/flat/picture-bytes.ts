import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'

/** Calls of the object store at once, of the 32 that a process makes; the others are for uploads. */
const AT_ONCE = 4
/** Pictures that wait for such a call. */
const WAITING = 60
/** Bytes of pictures in memory; a profile picture has some 20 KB. */
const MAX_BYTES = 8 * 1024 * 1024
/** Milliseconds, so that a deleted picture does not stay in memory. */
const LIFE = 60_000

const TooBusy = createError(
  'TOO_BUSY',
  'Too many pictures are being read; try again in a moment.',
  503,
)

/**
 * Returns a function that reads an object with few calls of the store: bytes stay in memory for a minute, and
 * requests for the same object share a call. The bytes of a key never change. @throws TooBusy,
 * StorageUnavailable
 */
export function createPictureBytes(app: FastifyInstance) {
  const limit = pLimit(AT_ONCE)
  const bytes = new LRUCache<string, Buffer>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ length }) => Math.max(1, length),
    ttl: LIFE,
    ignoreFetchAbort: true,
    fetchMethod: async (key) => {
      if (limit.pendingCount >= WAITING) throw new TooBusy()
      return Buffer.from(await limit(() => app.s3.get(key)))
    },
  })
  return (key: string) => bytes.forceFetch(key)
}
