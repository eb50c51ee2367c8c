import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { singleFlight } from '../cache/single-flight.ts'
import type { Db } from '../db/client.ts'
import { mysqlError } from '../db/errors.ts'
import type { Role } from '../features/feature.ts'
import { dialectOf, readPosition } from './positions.ts'
import { createReplica } from './replica.ts'

declare module 'fastify' {
  interface FastifyInstance {
    replicas: {
      /**
       * Runs a read on a replica that has all that had been committed before this call, or else on the
       * primary. Not for values that `app.cache` keeps, and not within a transaction.
       */
      read: <Value>(work: (db: Db) => PromiseLike<Value>) => PromiseLike<Value>
      /** @throws Error that names the replicas which are left out */
      check: () => Promise<void>
    }
  }
}

/** Milliseconds between two looks at each replica, by which one that is left out comes back. */
const LOOK = 1_000

async function createReplicas(app: FastifyInstance) {
  const primary = app.mysql.pool
  const dialect = await dialectOf(primary)
  const replicas = app.config.replicas.map((options) => createReplica(app, options, dialect))
  const countRead = measure()
  const end = new AbortController()
  let turn = 0

  /** The replica of this turn, if it has what the primary has committed by now. */
  const current = singleFlight(async () => {
    const serving = replicas.filter((replica) => replica.isInService())
    const replica = serving[turn++ % serving.length]
    return replica && (await replica.reaches(await readPosition(primary, dialect)))
      ? replica
      : undefined
  })

  async function read<Value>(work: (db: Db) => PromiseLike<Value>) {
    const replica = await current()
    if (replica) {
      try {
        const value = await work(replica.db)
        countRead({ server: replica.name })
        return value
      } catch (error) {
        if (!mysqlError(error)) throw error
        replica.leaveOut(error as Error)
      }
    }
    countRead({ server: 'primary' })
    return work(app.db)
  }

  async function look() {
    const position = await readPosition(primary, dialect)
    await Promise.all(replicas.map((replica) => replica.reaches(position)))
  }

  async function keepLooking() {
    const { signal } = end
    while (!signal.aborted) {
      await look().catch((err) => app.log.debug({ err }, 'no look at the replicas'))
      await sleep(LOOK, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async function close() {
    end.abort()
    await looking
    await Promise.all(replicas.map((replica) => replica.close()))
  }

  function measure() {
    app.metrics.gauge('birdhouse_db_replica_serves', {
      help: 'A replica of the database: 1 while it serves reads, 0 while it is left out.',
      labels: ['server'],
      read: () =>
        replicas.map(({ name, isInService }) => [{ server: name }, isInService() ? 1 : 0]),
    })
    return app.metrics.counter('birdhouse_db_replica_reads_total', {
      help: 'Reads that a replica may serve, by the server that did.',
      labels: ['server'],
    })
  }

  const looking = keepLooking()

  return {
    close,
    read,
    check: async () => {
      const out = replicas.filter((replica) => !replica.isInService())
      if (out.length > 0) throw new Error(`left out: ${out.map(({ name }) => name).join()}`)
    },
  }
}

export default fp<{ role: Role }>(
  async (app, { role }) => {
    if (app.config.replicas.length === 0 || role !== 'service') {
      app.decorate('replicas', { read: (work) => work(app.db), check: async () => {} })
      return
    }
    const { close, ...replicas } = await createReplicas(app)
    app.decorate('replicas', replicas)
    app.addHook('onClose', close)
  },
  { name: 'replicas', dependencies: ['db', 'metrics'] },
)
