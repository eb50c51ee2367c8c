import createError from '@fastify/error'
import {
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  isTaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel'
import { createGate } from '../gate.ts'

export const StorageUnavailable = createError(
  'STORAGE_UNAVAILABLE',
  'The object store cannot be reached right now; nothing was changed. Try again.',
  503,
)

/** Milliseconds for one call with all its retries. */
export const DEADLINE = 8_000
/** Most concurrent calls, and most calls that wait for their turn. */
const AT_ONCE = 32
const WAITING = 32
/** Consecutive calls without an answer in time, after which the store counts as hanging. */
const HANGS = 5
/** Milliseconds for which calls are then refused at once, before one call tries the store again. */
const PAUSE = 2_000

/** Options of the SDK; timeouts are milliseconds of one try. Health checks use the additional sockets. */
export const CLIENT_BOUNDS = {
  maxAttempts: 3,
  requestHandler: {
    httpAgent: { maxSockets: AT_ONCE + 2 },
    httpsAgent: { maxSockets: AT_ONCE + 2 },
    connectionTimeout: 1_000,
    requestTimeout: 2_500,
    throwOnRequestTimeout: true,
  },
}

/**
 * Limits the number of calls and the duration of each, and refuses calls at once while the store hangs.
 * A store that fails quickly causes no such pause. @throws StorageUnavailable with the cause for any failure
 */
export function createBounds() {
  const pass = createGate(AT_ONCE, WAITING, () => new Error('too many calls wait for the store'))
  const policy = wrap(
    circuitBreaker(handleWhen(isHang), {
      halfOpenAfter: PAUSE,
      breaker: new ConsecutiveBreaker(HANGS),
    }),
    // Aborting after the call has returned would close a kept-alive connection.
    timeout(DEADLINE, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }),
  )
  return <T>(work: (signal: AbortSignal) => Promise<T>) =>
    unavailable(pass(() => policy.execute(({ signal }) => work(signal))))
}

/** The SDK names the error of a try that took too long TimeoutError. */
const isHang = (error: Error) => error.name === 'TimeoutError' || isTaskCancelledError(error)

/** @throws StorageUnavailable */
export async function unavailable<T>(work: Promise<T>) {
  return work.catch((cause) => {
    throw Object.assign(new StorageUnavailable(), { cause })
  })
}
