import type { SQL } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'
import type { Db } from './client.ts'

/** Rows a statement; keeps locks short, and a cluster's write sets small. */
const ROWS_PER_STATEMENT = 500

/** Deletes whatever meets the condition, a batch at a time. */
export async function deleteInBatches(db: Db, table: MySqlTable, where: SQL | undefined) {
  let deleted = ROWS_PER_STATEMENT
  while (deleted === ROWS_PER_STATEMENT) {
    const [result] = await db.delete(table).where(where).limit(ROWS_PER_STATEMENT)
    deleted = result.affectedRows
  }
}
