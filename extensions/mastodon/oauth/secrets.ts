import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits, so that a plain hash keeps them secret. */
export const newSecret = () => randomBytes(32).toString('base64url')

export const hashOf = (secret: string) => hash('sha256', secret, 'buffer')

export const isSecret = (secret: string, hash: Buffer) => timingSafeEqual(hashOf(secret), hash)
