import type { FastifyInstance } from 'birdhouse'
import { Redis, type RedisOptions } from 'ioredis'
import mqemitterRedis from 'mqemitter-redis'

const TOPIC = 'birdhouse/live'
/** Milliseconds. Redis only saves time: the next poll of the database finds what Redis misses. */
const LIMITS = { connectTimeout: 2_000, commandTimeout: 1_000, socketTimeout: 30_000 }
/** Milliseconds between pings, which tell a hanging subscriber's connection from a silent one. */
const PING = 10_000

/** `tell` calls `wake` in this process and, with Redis, in every other process. */
export function createWake(app: FastifyInstance, wake: () => void) {
  const server = app.config.redis
  if (!server) return { tell: wake, close: () => {} }
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
    // The emitter's close would wait for an unreachable Redis.
    close: () => {
      clearInterval(pinging)
      pubConn.disconnect()
      subConn.disconnect()
    },
  }
}

/** The package's types omit `state`, whose errors would end the process without a listener. */
type Emitter = ReturnType<typeof mqemitterRedis> & { state: NodeJS.EventEmitter }

/** Logs an outage once instead of at every attempt to connect. */
function sayOnce(app: FastifyInstance, connection: Redis, { state }: Emitter) {
  let out = false
  connection.on('ready', () => {
    out = false
  })
  state.on('error', (error) => {
    if (!out)
      app.log.warn({ err: error }, 'Redis is unreachable; live streams poll the database instead')
    out = true
  })
}
