import type { SQL } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'
import type { Db } from './client.ts'

/** Rows per statement, so that locks stay short and a cluster's write sets stay small. */
const ROWS_PER_STATEMENT = 500

/** Deletes the rows that meet the condition, one batch per statement, each in its own transaction. */
export async function deleteInBatches(db: Db, table: MySqlTable, where: SQL | undefined) {
  let deleted = ROWS_PER_STATEMENT
  while (deleted === ROWS_PER_STATEMENT) {
    const [result] = await db.delete(table).where(where).limit(ROWS_PER_STATEMENT)
    deleted = result.affectedRows
  }
}
