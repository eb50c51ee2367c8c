import mysql from '@fastify/mysql'
import fp from 'fastify-plugin'
import { createConnection, type Pool, type PoolConnection } from 'mysql2/promise'
import * as tables from '../../db/schema/index.ts'
import type { Feature } from '../features/feature.ts'
import { createDeleteInBatches, type DeleteInBatches } from './batches.ts'
import { connect, type Db, prepareSession, SESSION_SETTINGS, type Tx } from './client.ts'
import { type Counter, createCounter } from './counter.ts'
import { measurePool } from './pool-metrics.ts'
import { createPreparing, executing, placeholder } from './prepared.ts'
import { createShares } from './shares.ts'
import { watchSilence } from './silence.ts'
import { batch, createTransaction, type Transaction } from './transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mysql: { pool: Pool }
    db: Db
    /** The tables of every feature: any feature may read and join them, only the owner writes. */
    tables: Readonly<Tables>
    transaction: Transaction
    batch: typeof batch
    /** Builds a query once, for the pool and for transactions; its values are placeholders. */
    prepareQuery: Preparing['prepareQuery']
    /** As `prepareQuery`, for a query over a list of ids. */
    prepareForIds: Preparing['prepareForIds']
    placeholder: typeof placeholder
    /** Creates exact counters, see counter.ts; they stop with the app. */
    createCounter: <Metric extends string>(
      entity: string,
      metrics: readonly Metric[],
      onChange?: (tx: Tx, ids: number[]) => void,
    ) => Counter<Metric>
    deleteInBatches: DeleteInBatches
  }
  /** Drizzle's tables by name; an extension adds its own by merging. */
  interface Tables extends KernelTables {}
}

type KernelTables = typeof tables
type Preparing = ReturnType<typeof createPreparing>

/** Milliseconds after which a connection that nobody has used is closed. */
const IDLE = 60_000
/** Milliseconds. */
const CONNECT_TIMEOUT = 5_000
/**
 * Prepared statements per connection; the service has some 60. The driver reserves memory for all of them
 * in advance: half a megabyte per connection for its default of 16,000.
 */
const STATEMENTS = 500

export default fp<{ features: Feature[] }>(
  async (app, { features }) => {
    await app.register(mysql, {
      promise: true,
      ...app.config.database,
      connectionLimit: app.config.poolSize,
      // The driver closes idle connections only below the limit, and at once above this number.
      maxIdle: app.config.poolSize - 1,
      idleTimeout: IDLE,
      gracefulEnd: true,
      maxPreparedStatements: STATEMENTS,
      connectTimeout: CONNECT_TIMEOUT,
      // For transactions alone, see session.ts.
      multipleStatements: true,
    })
    const { pool } = app.mysql
    // @fastify/mysql opens one connection before the listener below is set.
    const first = await pool.getConnection()
    await prepareSession(first)
    const ask = () => createConnection({ ...app.config.database, connectTimeout: CONNECT_TIMEOUT })
    const watch = watchSilence(pool, ask, app.log)
    watch(first.connection as unknown as PoolConnection)
    first.release()
    pool.on('connection', (connection: PoolConnection) => {
      watch(connection)
      // These run before the first query of the connection, which fails when one of these fails.
      for (const statement of SESSION_SETTINGS) connection.query(statement)
    })

    measurePool(app, pool)
    const shares = createShares(pool, app.log)
    app.decorate('db', connect(shares.client))
    app.decorate('tables', Object.assign({ ...tables }, ...features.map((one) => one.tables)))
    app.decorate('transaction', createTransaction(shares, app.log))
    const preparing = createPreparing(app.db, connect(executing(pool.pool, shares)))
    app.decorate('prepareQuery', preparing.prepareQuery)
    app.decorate('prepareForIds', preparing.prepareForIds)
    app.decorate('placeholder', placeholder)
    app.decorate('batch', batch)
    app.decorate('createCounter', (entity, metrics, onChange) => {
      const counter = createCounter(entity, metrics, app.transaction, onChange)
      app.addHook('onClose', async () => counter.close())
      return counter
    })
    app.decorate('deleteInBatches', createDeleteInBatches(app.db, app.transaction))
  },
  { name: 'db', dependencies: ['config', 'metrics'] },
)
