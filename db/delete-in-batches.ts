import type { SQL } from 'drizzle-orm'
import type { MySqlTable } from 'drizzle-orm/mysql-core'
import type { Db } from '../plugins/db.ts'

/** Rows a statement; keeps locks short, and a cluster's write sets small. */
const BATCH = 500

/** Deletes whatever meets the condition, a batch at a time. */
export async function deleteInBatches(db: Db, table: MySqlTable, where: SQL | undefined) {
  let deleted = BATCH
  while (deleted === BATCH) {
    const [result] = await db.delete(table).where(where).limit(BATCH)
    deleted = result.affectedRows
  }
}
