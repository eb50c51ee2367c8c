import createError from '@fastify/error'
import {
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  isTaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel'

export const StorageUnavailable = createError(
  'STORAGE_UNAVAILABLE',
  'The object store cannot be reached right now; nothing was changed, try again.',
  503,
)

/** Milliseconds for one call with all its tries. */
export const DEADLINE = 8_000
/** Calls at work at once, and waiting for their turn. */
const AT_ONCE = 32
const WAITING = 32
/** Calls in a row without an answer in time, after which the store counts as hanging. */
const HANGS = 5
/** Milliseconds for which calls are then refused at once, before one finds out whether it still hangs. */
const PAUSE = 2_000

/** For the SDK: sockets; a check of health needs one beside the calls. Milliseconds of one try. */
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
 * Keeps calls from piling up: bounded in number and time, a wait for the turn included, and refused
 * at once while the store hangs. Whatever fails is thrown as StorageUnavailable with its cause. A
 * store that refuses or fails quickly needs no such pause.
 */
export function createBounds() {
  const policy = wrap(
    bulkhead(AT_ONCE, WAITING),
    circuitBreaker(handleWhen(isHang), {
      halfOpenAfter: PAUSE,
      breaker: new ConsecutiveBreaker(HANGS),
    }),
    // Aborting what has returned would close a connection that is kept alive.
    timeout(DEADLINE, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }),
  )
  return <T>(work: (signal: AbortSignal) => Promise<T>) =>
    unavailable(policy.execute(({ signal }) => work(signal)))
}

/** The SDK calls a try that took too long a TimeoutError. */
const isHang = (error: Error) => error.name === 'TimeoutError' || isTaskCancelledError(error)

/** @throws StorageUnavailable */
export async function unavailable<T>(work: Promise<T>) {
  return work.catch((cause) => {
    throw Object.assign(new StorageUnavailable(), { cause })
  })
}
