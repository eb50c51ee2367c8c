import type { FastifyBaseLogger } from 'fastify'
import {
  type ConnectionOptions,
  createConnection,
  type Pool,
  type PoolConnection,
} from 'mysql2/promise'
import { SESSION_SETTINGS } from './client.ts'
import { watchSilence } from './silence.ts'

/** Milliseconds after which a connection that nobody has used is closed. */
const IDLE = 60_000
/** Milliseconds. */
const CONNECT_TIMEOUT = 5_000
/**
 * Prepared statements per connection; the service has some 60. The driver reserves memory for all of them
 * in advance: half a megabyte per connection for its default of 16,000.
 */
const STATEMENTS = 500

export const poolOptions = (database: ConnectionOptions, size: number) => ({
  ...database,
  connectionLimit: size,
  // The driver closes idle connections only below the limit, and at once above this number.
  maxIdle: size - 1,
  idleTimeout: IDLE,
  gracefulEnd: true,
  maxPreparedStatements: STATEMENTS,
  connectTimeout: CONNECT_TIMEOUT,
  // For transactions alone, see session.ts.
  multipleStatements: true,
})

/**
 * Prepares the session of each new connection, and closes connections whose server has vanished. Returns a
 * function that does the latter for a connection that is open already.
 */
export function watchPool(pool: Pool, database: ConnectionOptions, log: FastifyBaseLogger) {
  const ask = () => createConnection({ ...database, connectTimeout: CONNECT_TIMEOUT })
  const watch = watchSilence(pool, ask, log)
  pool.on('connection', (connection: PoolConnection) => {
    watch(connection)
    // These run before the first query of the connection, which fails when one of these fails.
    for (const statement of SESSION_SETTINGS) connection.query(statement)
  })
  return watch
}
