import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2'
import type { Connection, Pool, PoolConnection } from 'mysql2/promise'

export type Db = MySql2Database
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0]

/** Seconds. A transaction that waits longer for a lock is rolled back and run again. */
const LOCK_WAIT_TIMEOUT = 5

/** READ COMMITTED: under REPEATABLE READ the scan that claims jobs blocks every INSERT into `jobs`. */
export const SESSION_SETTINGS = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_TIMEOUT}, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
]

export const connect = (client: Pool | PoolConnection | Connection): Db =>
  drizzle({ client, casing: 'snake_case' })

export async function prepareSession(connection: Connection) {
  for (const statement of SESSION_SETTINGS) await connection.query(statement)
}
