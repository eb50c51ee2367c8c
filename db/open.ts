import { drizzle } from 'drizzle-orm/mysql2'
import { createConnection } from 'mysql2/promise'
import type { Db } from '../plugins/db.ts'
import * as tables from './schema/index.ts'

// The same session as in plugins/db.ts, which says why.
const SESSION_SETTINGS = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
]

/** The database over one connection, for command-line tools that need no app. */
export async function openDb(databaseUrl: string) {
  const client = await createConnection({ uri: databaseUrl, timezone: 'Z', connectTimeout: 5_000 })
  for (const statement of SESSION_SETTINGS) await client.query(statement)
  const db: Db = drizzle({ client, schema: tables, mode: 'default', casing: 'snake_case' })
  return { db, close: () => client.end() }
}
