import type { FastifyRequest } from 'fastify'
import { BodyTooSlow } from '../deadline.ts'

/** Seconds for which a client may send nothing, such as a phone that changes networks. */
export const GRACE = 10
/** Bytes a second that a client sends afterwards, on average; a phone on EDGE sends three times as many. */
const RATE = 4 * 1024

/**
 * Runs a work that reads the body of a request, while the client sends the body fast enough. Seconds in which
 * bytes wait for the work do not count, because then the server is late. @throws BodyTooSlow
 */
export async function inPace<T>(
  { raw, cancelled }: FastifyRequest,
  grace: number,
  work: (signal: AbortSignal) => Promise<T>,
) {
  const slow = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const begun = raw.socket.bytesRead
  let waited = 0
  const timer = setInterval(() => {
    if (raw.complete || raw.readableLength > 0) return
    waited++
    const missing = (waited - grace) * RATE - (raw.socket.bytesRead - begun)
    // Not a number in a request that is injected.
    if (!(missing > 0)) return
    const error = new BodyTooSlow(`arrives at less than ${RATE / 1024} KB a second`)
    slow.abort(error)
    reject(error)
  }, 1000)
  try {
    return await Promise.race([work(AbortSignal.any([cancelled, slow.signal])), late])
  } finally {
    clearInterval(timer)
  }
}
