import type { FastifyRequest } from 'fastify'
import { BodyTooSlow } from '../deadline.ts'
import { FileTooLarge } from './receive.ts'

/** Seconds for which a client may send nothing, such as a phone that changes networks. */
export const GRACE = 10
/** Bytes a second that a client sends afterwards, on average; a phone on EDGE sends three times as many. */
const RATE = 4 * 1024

/**
 * Runs a work that reads the body of a request, while the client sends the body fast enough. Seconds in which
 * bytes wait for the work do not count, because then the server is late. @throws BodyTooSlow, FileTooLarge after `limit`
 * bytes, of which most would be in no part
 */
export async function inPace<T>(
  { raw, cancelled }: FastifyRequest,
  { grace, limit }: { grace: number; limit: number },
  work: (signal: AbortSignal) => Promise<T>,
) {
  const slow = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const begun = raw.socket.bytesRead
  let waited = 0
  const stop = (error: Error) => {
    slow.abort(error)
    reject(error)
  }
  const timer = setInterval(() => {
    if (raw.socket.bytesRead - begun > limit) return stop(new FileTooLarge())
    if (raw.complete || raw.readableLength > 0) return
    waited++
    const missing = (waited - grace) * RATE - (raw.socket.bytesRead - begun)
    // Not a number in a request that is injected.
    if (!(missing > 0)) return
    stop(new BodyTooSlow(`arrives at less than ${RATE / 1024} KB a second`))
  }, 1000)
  try {
    return await Promise.race([work(AbortSignal.any([cancelled, slow.signal])), late])
  } finally {
    clearInterval(timer)
  }
}
