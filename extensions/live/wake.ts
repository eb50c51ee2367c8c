import type { FastifyInstance } from 'birdhouse'
import { Redis, type RedisOptions } from 'ioredis'
import mqemitterRedis from 'mqemitter-redis'
import { readRedisUrl } from './redis-url.ts'

const TOPIC = 'birdhouse/live'
/** Milliseconds. Redis is there to be quick; what it misses the next look at the database finds. */
const LIMITS = { connectTimeout: 2_000, commandTimeout: 1_000, socketTimeout: 30_000 }
/** Milliseconds; a subscriber's connection is silent, and one that hangs must be told from it. */
const PING = 10_000

/** Calls `wake` here, and with Redis in every other process, when there is something new. */
export function createWake(app: FastifyInstance, wake: () => void) {
  const server = readRedisUrl(app.config.live.REDIS_URL ?? '')
  // The settings are judged already: this one is not set.
  if (typeof server === 'string') return { tell: wake, close: () => {} }
  const redis = connect(app, server, wake)
  app.health.addCheck('redis', redis.ping)
  return {
    tell: () => {
      wake()
      redis.publish()
    },
    close: redis.close,
  }
}

function connect(app: FastifyInstance, server: RedisOptions, wake: () => void) {
  const { connectTimeout, commandTimeout, socketTimeout } = LIMITS
  const pubConn = new Redis({
    ...server,
    connectTimeout,
    commandTimeout,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  })
  const subConn = new Redis({
    ...server,
    connectTimeout,
    socketTimeout,
    maxRetriesPerRequest: null,
  })
  const emitter = mqemitterRedis({ pubConn, subConn }) as unknown as Emitter
  sayOnce(app, pubConn, emitter)
  emitter.on(TOPIC, (_message, done) => {
    wake()
    done()
  })
  const pinging = setInterval(() => subConn.ping().catch(() => {}), PING).unref()

  return {
    publish: () => {
      if (pubConn.status === 'ready') emitter.emit({ topic: TOPIC }, () => {})
    },
    ping: () => pubConn.ping(),
    // The emitter's own close waits for a Redis that is out.
    close: () => {
      clearInterval(pinging)
      pubConn.disconnect()
      subConn.disconnect()
    },
  }
}

/** The package's types leave `state` out, whose errors would end the process if nobody listened. */
type Emitter = ReturnType<typeof mqemitterRedis> & { state: NodeJS.EventEmitter }

/** An outage is worth one line, not one for every attempt to connect. */
function sayOnce(app: FastifyInstance, connection: Redis, { state }: Emitter) {
  let out = false
  connection.on('ready', () => {
    out = false
  })
  state.on('error', (error) => {
    if (!out) app.log.warn({ err: error }, 'Redis is out; live streams ask the database instead')
    out = true
  })
}
