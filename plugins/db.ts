import { setTimeout as sleep } from 'node:timers/promises'
import mysql from '@fastify/mysql'
import type { SQL } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { Connection, Pool, PoolConnection } from 'mysql2/promise'
import { deleteInBatches } from '../db/delete-in-batches.ts'
import { createPrepareForIds, executing } from '../db/prepared.ts'
import * as tables from '../db/schema/index.ts'
import type { Feature } from './features/discover.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mysql: { pool: Pool }
    db: Db
    /** Of the kernel and of every extension: anyone may read and join, only the owner writes. */
    tables: Readonly<Tables>
    transaction: Transaction
    /** Hot reads: what is built on it and `.prepare()`d once runs as a prepared statement. */
    prepared: Db
    /** The same for a query over a list of ids; in a transaction it is sent as any other. */
    prepareForIds: ReturnType<typeof createPrepareForIds>
    /** Deletes whatever meets the condition, 500 rows a statement. */
    deleteInBatches: (table: MySqlTable, where: SQL | undefined) => Promise<void>
  }
  /** Drizzle's tables by name; an extension adds its own by merging. */
  interface Tables extends CoreTables {}
}

type CoreTables = typeof tables

export type Db = MySql2Database<typeof tables>
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0]
export type Transaction = ReturnType<typeof createTransaction>

/** Connections a process; a request holds one for a few milliseconds. */
const POOL_SIZE = 20
/** Seconds. A lock held longer than this means trouble; the transaction is run again. */
const LOCK_WAIT_TIMEOUT = 5
const MAX_ATTEMPTS = 6

// READ COMMITTED: under REPEATABLE READ a claiming scan blocks every enqueue, see docs/decisions.
const SESSION_SETTINGS = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_TIMEOUT}, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
]

// Deadlock, lock wait timeout, and MariaDB's "record has changed since last read".
const CONFLICTS = new Set([1213, 1205, 1020])
// 1047 and 1180: a cluster without a primary. 1053, 1927, 3169: killed or shutting down. 1040: full.
const OUTAGES = new Set([1047, 1180, 1053, 1927, 3169, 1040, 1205, 1213, 1020])
const OUTAGE_CODES = new Set(
  'ECONNREFUSED ECONNRESET ETIMEDOUT EPIPE ENOTFOUND EAI_AGAIN PROTOCOL_CONNECTION_LOST'.split(' '),
)

type MysqlError = { code?: string; errno?: number; fatal?: boolean; sqlMessage?: string }

/** The driver's own error below whatever wraps it. */
export function mysqlError(error: unknown): MysqlError | undefined {
  // An error with a status has been judged by whoever threw it; its cause may be another store's.
  if (!(error instanceof Error) || 'statusCode' in error) return undefined
  const known = 'sqlState' in error || 'errno' in error || 'fatal' in error
  // These three fields are the driver's and Node's socket errors'.
  return known ? (error as MysqlError) : mysqlError(error.cause)
}

/** True when the database can't be reached or can't take the work now: worth a retry later. */
export function isUnavailable(error: unknown) {
  const cause = mysqlError(error)
  if (!cause) return false
  return cause.fatal === true || OUTAGES.has(cause.errno ?? 0) || OUTAGE_CODES.has(cause.code ?? '')
}

const isConflict = (error: unknown) => CONFLICTS.has(mysqlError(error)?.errno ?? 0)

/** The name of the unique key that an INSERT or UPDATE ran into, if that is what went wrong. */
export function duplicateKey(error: unknown) {
  const cause = mysqlError(error)
  if (cause?.code !== 'ER_DUP_ENTRY') return undefined
  return cause.sqlMessage?.match(/for key '(?:.*\.)?(.+)'$/)?.[1]
}

/** True when a row points at one that doesn't exist (a foreign key says so). */
export const isMissingParent = (error: unknown) => mysqlError(error)?.errno === 1452

/** What runs once the transaction has committed; forgotten when it rolls back. */
const commitHooks = new WeakMap<Tx, (() => void)[]>()

export function afterCommit(tx: Tx, hook: () => void) {
  commitHooks.get(tx)?.push(hook)
}

/** What belongs into the transaction as its end, however many have a part in it. */
const endings = new WeakMap<Tx, (() => Promise<void>)[]>()

export function beforeCommit(tx: Tx, hook: () => Promise<void>) {
  endings.get(tx)?.push(hook)
}

function createTransaction(pool: Pool, log: FastifyBaseLogger) {
  const dbs = new WeakMap<object, Db>()

  /**
   * Runs `work` in a transaction, or inside the caller's when one is given. After a deadlock or a
   * lock wait timeout the whole of it is rolled back and run again, at most five times with
   * growing random pauses, in the outermost call alone; so `work` must have no other side effect.
   */
  return async function transaction<T>(work: (tx: Tx) => Promise<T>, outer?: Tx): Promise<T> {
    if (outer) return work(outer)
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(work)
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isConflict(error)) throw error
        log.debug({ attempt, code: mysqlError(error)?.code }, 'transaction runs again')
        await sleep(Math.random() * 10 * 2 ** attempt)
      }
    }
  }

  async function once<T>(work: (tx: Tx) => Promise<T>) {
    const hooks: (() => void)[] = []
    const last: (() => Promise<void>)[] = []
    const connection = await pool.getConnection()
    try {
      const result = await dbOver(connection).transaction(async (tx) => {
        commitHooks.set(tx, hooks)
        endings.set(tx, last)
        const value = await work(tx)
        for (const hook of last) await hook()
        return value
      })
      for (const hook of hooks) runHook(hook)
      return result
    } catch (error) {
      // One that may still be inside the transaction is not given to anyone else.
      if (isUnavailable(error) && !isConflict(error)) connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  /** A transaction from the pool would leak its connection when the server refuses BEGIN. */
  function dbOver(connection: PoolConnection) {
    const known = dbs.get(connection.connection)
    const db = known ?? connect(connection)
    dbs.set(connection.connection, db)
    return db
  }

  /** What has committed has succeeded, whatever a hook makes of it. */
  function runHook(hook: () => void) {
    try {
      hook()
    } catch (error) {
      log.error({ err: error }, 'a hook after the commit failed')
    }
  }
}

export const connect = (client: Pool | PoolConnection | Connection): Db =>
  drizzle({ client, schema: tables, mode: 'default', casing: 'snake_case' })

export async function prepareSession(connection: Connection) {
  for (const statement of SESSION_SETTINGS) await connection.query(statement)
}

export default fp<{ features: Feature[] }>(
  async (app, { features }) => {
    await app.register(mysql, {
      promise: true,
      uri: app.config.databaseUrl,
      timezone: 'Z',
      connectionLimit: POOL_SIZE,
      connectTimeout: 5_000,
      enableKeepAlive: true,
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
    app.decorate('prepared', connect(executing(pool)))
    app.decorate('prepareForIds', createPrepareForIds(app.db, app.prepared))
    app.decorate('deleteInBatches', (table, where) => deleteInBatches(app.db, table, where))
  },
  { name: 'db', dependencies: ['config'] },
)
