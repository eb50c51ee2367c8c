import { once } from 'node:events'
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel'
import type { FastifyBaseLogger } from 'fastify'
import { Redis, type RedisOptions } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { Limit } from '../config/limits.ts'
import { inTime } from '../in-time.ts'

/** Milliseconds that a request waits for a Redis that hangs, and that the start waits for a connection. */
const PATIENCE = 250
const START_PATIENCE = 1_000
/** Calls in a row without an answer, after which Redis is not asked for `PAUSE` milliseconds. */
const FAILURES = 3
const PAUSE = 2_000

/** The counts that all processes share, in the Redis of REDIS_URL. */
export function createSharedStore(server: RedisOptions, log: FastifyBaseLogger) {
  const redis = new Redis({
    ...server,
    connectTimeout: START_PATIENCE,
    commandTimeout: PATIENCE,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  })
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: PAUSE,
    breaker: new ConsecutiveBreaker(FAILURES),
  })
  let out = false
  redis.on('ready', () => {
    out = false
  })
  redis.on('error', (err) => {
    if (!out) log.warn({ err }, 'Redis is unreachable; each process counts requests on its own')
    out = true
  })

  /** Returns a function that adds to the count of a key; the count and the rest of its window. */
  function counterOf({ name, quota, seconds }: Limit) {
    const limiter = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `birdhouse:${name}`,
      points: quota,
      duration: seconds,
      rejectIfRedisNotReady: true,
    })
    return async (key: string, points: number) => {
      // `consume` would reject above the quota.
      const added = await breaker.execute(() => limiter.penalty(key, points))
      return { total: added.consumedPoints, milliseconds: added.msBeforeNext }
    }
  }

  return {
    counterOf,
    ready: () => inTime(once(redis, 'ready'), START_PATIENCE).catch(() => {}),
    check: () => redis.ping(),
    close: () => redis.disconnect(),
  }
}

export type SharedStore = Pick<ReturnType<typeof createSharedStore>, 'counterOf'>
