import { inArray, type SQL } from 'drizzle-orm'
import type { MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core'
import type { Db, Tx } from './client.ts'
import type { Transaction } from './transaction.ts'

/** Rows per statement, so that locks stay short and a cluster's write sets stay small. */
const ROWS_PER_STATEMENT = 500
/** Rows per transaction that also runs `onRows`. */
const ROWS_PER_TRANSACTION = 200

type WithId = MySqlTable & { id: MySqlColumn }
type Options = { signal?: AbortSignal | undefined; outer?: Tx }

export type DeleteInBatches = {
  (table: MySqlTable, where: SQL | undefined): Promise<number>
  <Table extends WithId>(
    table: Table,
    where: SQL | undefined,
    onRows: (tx: Tx, rows: Table['$inferSelect'][]) => unknown,
    options?: Options,
  ): Promise<number>
}

/**
 * Deletes the rows that meet the condition, one batch per transaction, and returns their number. `onRows`
 * runs in the transaction of each batch, after the deletion. Stops between two batches when `signal`
 * aborts. All batches join `outer` if the caller passes a transaction.
 */
export const createDeleteInBatches = (db: Db, transaction: Transaction): DeleteInBatches =>
  async function deleteInBatches(
    table: MySqlTable,
    where: SQL | undefined,
    onRows?: (tx: Tx, rows: never) => unknown,
    { signal, outer }: Options = {},
  ) {
    const size = onRows ? ROWS_PER_TRANSACTION : ROWS_PER_STATEMENT

    async function deleteBatch() {
      const [result] = await db.delete(table).where(where).limit(size)
      return result.affectedRows
    }

    async function deleteRows(tx: Tx) {
      const rows = await tx.select().from(table).where(where).limit(size).for('update')
      if (rows.length === 0) return 0
      const ids = rows.map(({ id }) => id)
      await tx.delete(table).where(inArray((table as WithId).id, ids))
      await onRows?.(tx, rows as never)
      return rows.length
    }

    for (let total = 0; ; ) {
      signal?.throwIfAborted()
      const deleted = await (onRows ? transaction(deleteRows, outer) : deleteBatch())
      total += deleted
      if (deleted < size) return total
    }
  }
