import mysql from '@fastify/mysql'
import fp from 'fastify-plugin'
import type { Pool, PoolConnection } from 'mysql2/promise'
import * as tables from '../../db/schema/index.ts'
import type { Feature } from '../features/feature.ts'
import { createDeleteInBatches, type DeleteInBatches } from './batches.ts'
import { connect, type Db, prepareSession, type Tx } from './client.ts'
import { type Counter, createCounter } from './counter.ts'
import { createPatience } from './patience.ts'
import { poolOptions, watchPool } from './pool.ts'
import { measurePool } from './pool-metrics.ts'
import { createPreparing, executing, placeholder } from './prepared.ts'
import { createShares } from './shares.ts'
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

export default fp<{ features: Feature[] }>(
  async (app, { features }) => {
    await app.register(mysql, {
      promise: true,
      ...poolOptions(app.config.database, app.config.poolSize),
    })
    const { pool } = app.mysql
    // @fastify/mysql opens one connection before the listener below is set.
    const first = await pool.getConnection()
    await prepareSession(first)
    const watch = watchPool(pool, app.config.database, app.log)
    watch(first.connection as unknown as PoolConnection)
    first.release()

    measurePool(app, pool)
    const shares = createShares(pool, app.log)
    const patience = createPatience()
    app.decorate('db', connect(patience.patient(shares.client)))
    app.decorate('tables', Object.assign({ ...tables }, ...features.map((one) => one.tables)))
    app.decorate('transaction', createTransaction(shares, patience, app.log))
    const preparing = createPreparing(
      app.db,
      connect(patience.patient(executing(pool.pool, shares))),
    )
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
