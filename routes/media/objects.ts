import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'birdhouse'
import { VARIANT_SIZES } from './pictures/index.ts'

const TYPE = 'image/webp'
/** 192 random bits, so that nobody can guess the URL. */
const KEY_BYTES = 24

export const newKey = () => randomBytes(KEY_BYTES).toString('base64url')

export const mediaObject = (key: string, limit: number) => `media/${key}/${limit}.webp`

/** Keys of all variants that may exist; deleting a missing object is no error. */
export const mediaObjects = (key: string) =>
  Object.values(VARIANT_SIZES).map((limit) => mediaObject(key, limit))

/**
 * Stores objects before the row is written; the sweep deletes what a failure leaves. @throws
 * StorageUnavailable, the reason of `cancelled`
 */
export async function store(
  app: FastifyInstance,
  objects: [key: string, bytes: Buffer][],
  cancelled: AbortSignal,
) {
  await Promise.all(objects.map(([key, bytes]) => app.s3.put(key, bytes, TYPE)))
  cancelled.throwIfAborted()
}
