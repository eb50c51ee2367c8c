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
    /** Tables of the kernel and all extensions; any feature may read and join them, only the owner writes. */
    tables: Readonly<Tables>
    transaction: Transaction
    /** For frequent reads: queries that are built and `.prepare()`d once run as prepared statements. */
    prepared: Db
    /** Builds a query with placeholders once, for the pool and for transactions. */
    prepareQuery: Preparing['prepareQuery']
    /** Builds a query over a list of ids once; runs lists of more than 128 ids in parts. */
    prepareForIds: Preparing['prepareForIds']
    /** Deletes the rows that meet the condition, 500 rows per statement. */
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

/** Connections per process; a request holds a connection for a few milliseconds. */
const POOL_SIZE = 20
/**
 * Prepared statements that each connection keeps; about 60 are used. The driver allocates memory for all
 * of them at once: half a megabyte for its default of 16,000.
 */
const STATEMENTS = 500
/** Seconds that a statement waits for a lock before its transaction rolls back and runs again. */
const LOCK_WAIT_TIMEOUT = 5

// READ COMMITTED: under REPEATABLE READ the scan that claims jobs blocks every INSERT into `jobs`.
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
      multipleStatements: true,
    })
    const { pool } = app.mysql
    // @fastify/mysql opens one connection before the listener below is set.
    const first = await pool.getConnection()
    await prepareSession(first)
    first.release()
    pool.on('connection', (connection: PoolConnection) => {
      // These run before the first query of the connection, which fails when one of these fails.
      for (const statement of SESSION_SETTINGS) connection.query(statement)
    })

    app.decorate('db', connect(pool))
    app.decorate(
      'tables',
      Object.assign({ ...tables }, ...features.map((feature) => feature.tables)),
    )
    app.decorate('transaction', createTransaction(pool, app.log))
    app.decorate('prepared', connect(executing(pool.pool)))
    const preparing = createPreparing(app.db, app.prepared)
    app.decorate('prepareQuery', preparing.prepareQuery)
    app.decorate('prepareForIds', preparing.prepareForIds)
    app.decorate('deleteInBatches', (table, where) => deleteInBatches(app.db, table, where))
  },
  { name: 'db', dependencies: ['config'] },
)
