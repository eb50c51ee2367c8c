import mysql from '@fastify/mysql'
import type { SQL } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2'
import fp from 'fastify-plugin'
import type { Connection, Pool, PoolConnection } from 'mysql2/promise'
import { deleteInBatches } from '../db/delete-in-batches.ts'
import { createPreparing, executing } from '../db/prepared.ts'
import * as tables from '../db/schema/index.ts'
import { createTransaction } from '../db/transaction.ts'
import type { Feature } from './features/feature.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mysql: { pool: Pool }
    db: Db
    /** Of the kernel and of every extension: anyone may read and join, only the owner writes. */
    tables: Readonly<Tables>
    transaction: Transaction
    /** Hot reads: what is built on it and `.prepare()`d once runs as a prepared statement. */
    prepared: Db
    /** A query that is built once, for the pool and for transactions; its values are placeholders. */
    prepareQuery: Preparing['prepareQuery']
    /** The same for a query over a list of ids. */
    prepareForIds: Preparing['prepareForIds']
    /** Deletes whatever meets the condition, 500 rows a statement. */
    deleteInBatches: (table: MySqlTable, where: SQL | undefined) => Promise<void>
  }
  /** Drizzle's tables by name; an extension adds its own by merging. */
  interface Tables extends CoreTables {}
}

type CoreTables = typeof tables
type Preparing = ReturnType<typeof createPreparing>

export {
  duplicateKey,
  isBusy,
  isMissingParent,
  isUnavailable,
  mysqlError,
} from '../db/errors.ts'
export { afterCommit, batch, beforeCommit } from '../db/transaction.ts'

export type Db = MySql2Database<typeof tables>
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0]
export type Transaction = ReturnType<typeof createTransaction>

/** Connections a process; a request holds one for a few milliseconds. */
const POOL_SIZE = 20
/**
 * Prepared statements a connection keeps; there are some 60. The driver sets the room for all of them
 * aside at once, which would be half a megabyte for its own 16,000.
 */
const STATEMENTS = 500
/** Seconds. A lock held longer than this means trouble; the transaction is run again. */
const LOCK_WAIT_TIMEOUT = 5

// READ COMMITTED: under REPEATABLE READ a claiming scan blocks every enqueue, see docs/decisions.
const SESSION_SETTINGS = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_TIMEOUT}, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
]

export const connect = (client: Pool | PoolConnection | Connection): Db =>
  drizzle({ client, schema: tables, mode: 'default', casing: 'snake_case' })

export async function prepareSession(connection: Connection) {
  for (const statement of SESSION_SETTINGS) await connection.query(statement)
}

export default fp<{ features: Feature[] }>(
  async (app, { features }) => {
    await app.register(mysql, {
      promise: true,
      ...app.config.database,
      connectionLimit: POOL_SIZE,
      maxPreparedStatements: STATEMENTS,
      connectTimeout: 5_000,
      enableKeepAlive: true,
      // For transactions alone, see db/session.ts.
      multipleStatements: true,
    })
    const { pool } = app.mysql
    // The plugin has opened one connection before a listener could be set.
    const first = await pool.getConnection()
    await prepareSession(first)
    first.release()
    pool.on('connection', (connection: PoolConnection) => {
      // Queued in front of the first query; a failure shows there.
      for (const statement of SESSION_SETTINGS) connection.query(statement)
    })

    app.decorate('db', connect(pool))
    app.decorate('tables', Object.assign({ ...tables }, ...features.map((one) => one.tables)))
    app.decorate('transaction', createTransaction(pool, app.log))
    app.decorate('prepared', connect(executing(pool.pool)))
    const preparing = createPreparing(app.db, app.prepared)
    app.decorate('prepareQuery', preparing.prepareQuery)
    app.decorate('prepareForIds', preparing.prepareForIds)
    app.decorate('deleteInBatches', (table, where) => deleteInBatches(app.db, table, where))
  },
  { name: 'db', dependencies: ['config'] },
)
