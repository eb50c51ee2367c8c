import type { FastifyInstance } from 'fastify'
import type { Pool } from 'mysql2/promise'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Fields of the driver's pool that its types lack. */
type DriverPool = Record<
  '_allConnections' | '_freeConnections' | '_connectionQueue',
  { length: number }
>

export function measurePool({ metrics }: FastifyInstance, pool: Pool) {
  const driver = pool.pool as unknown as DriverPool
  metrics.gauge('birdhouse_db_connections', {
    help: 'Open connections to the database, by whether a statement or transaction uses them.',
    labels: ['state'],
    read: () => {
      const idle = driver._freeConnections.length
      return [
        [{ state: 'idle' }, idle],
        [{ state: 'used' }, driver._allConnections.length - idle],
      ]
    },
  })
  metrics.gauge('birdhouse_db_waiting', {
    help: 'Statements and transactions that wait for a connection.',
    read: () => driver._connectionQueue.length,
  })
  const countWait = metrics.counter('birdhouse_db_waits_total', {
    help: 'Statements and transactions that had to wait for a connection.',
  })
  pool.on('enqueue', () => countWait({}))
}
