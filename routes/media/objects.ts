import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** Pixels of the long side. */
export const LIMITS = { small: 320, medium: 800, large: 1600 } as const

const TYPE = 'image/webp'
/** 192 random bits: what nobody has been told the address of, nobody finds. */
const KEY_BYTES = 24

export const newKey = () => randomBytes(KEY_BYTES).toString('base64url')

export const mediaObject = (key: string, limit: number) => `media/${key}/${limit}.webp`

/** Of every variant that may exist: removing one that doesn't is no error. */
export const mediaObjects = (key: string) =>
  Object.values(LIMITS).map((limit) => mediaObject(key, limit))

/**
 * Stores all of a picture, whose row may be written then. What a failure leaves is an orphan, which
 * the sweep finds. @throws StorageUnavailable, and why nobody waits for it any more
 */
export async function store(
  app: FastifyInstance,
  objects: [key: string, bytes: Buffer][],
  cancelled: AbortSignal,
) {
  await Promise.all(objects.map(([key, bytes]) => app.s3.put(key, bytes, TYPE)))
  cancelled.throwIfAborted()
}
