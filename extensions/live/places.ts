import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'

const TooManyStreams = createError(
  'TOO_MANY_STREAMS',
  'You can have at most %s streams open; close a stream first.',
  429,
)

/** Bounds the streams that one user has open in this process, of all kinds together. */
export function createPlaces(app: FastifyInstance) {
  const taken = new Map<number, number>()
  let all = 0

  /** Takes a place for a stream of this user; returns the function that frees it. @throws TooManyStreams */
  function takePlace(userId: number) {
    const max = app.config.live.LIVE_STREAMS_PER_USER
    if (count(userId) >= max) throw new TooManyStreams(max)
    change(userId, 1)
    let isFree = false
    return () => {
      if (!isFree) change(userId, -1)
      isFree = true
    }
  }

  function change(userId: number, by: number) {
    all += by
    taken.set(userId, count(userId) + by)
    if (count(userId) === 0) taken.delete(userId)
  }

  /** The open streams of one user, or of all. */
  const count = (userId?: number) => (userId === undefined ? all : (taken.get(userId) ?? 0))

  return { takePlace, count }
}

export type Places = ReturnType<typeof createPlaces>
