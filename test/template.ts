import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { migrate } from '../db/migrate.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { discover, historiesOf } from '../plugins/features/discover.ts'

/** Applies the migrations of the kernel and of every extension that ships; how many steps. */
export async function migrateAll(databaseUrl: string) {
  const features = await discover([], new Map())
  const database = connectionOptions({ DATABASE_URL: databaseUrl })
  return migrate(database, undefined, historiesOf(features))
}

/**
 * The statements that copy the tables of a migrated database, and the rows in them, into an empty
 * database on the same server. They take a fifth of the processor time of the migrations.
 */
export async function copyStatements(databaseUrl: string) {
  const connection = await createConnection(connectionOptions({ DATABASE_URL: databaseUrl }))
  const query = async (sql: string) => (await connection.query<RowDataPacket[]>(sql))[0]
  // A table may refer to one that is created after it.
  const copy = ['SET foreign_key_checks = 0']
  try {
    for (const { name, origin } of await query(
      `SELECT table_name AS name, CONCAT('\`', table_schema, '\`.\`', table_name, '\`') AS origin
        FROM information_schema.tables WHERE table_schema = DATABASE()`,
    )) {
      const [created] = await query(`SHOW CREATE TABLE ${origin}`)
      copy.push(created?.['Create Table'])
      const [row] = await query(`SELECT 1 FROM ${origin} LIMIT 1`)
      if (row) copy.push(`INSERT INTO \`${name}\` SELECT * FROM ${origin}`)
    }
  } finally {
    await connection.end()
  }
  return copy.join(';\n')
}
