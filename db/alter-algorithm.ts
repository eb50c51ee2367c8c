import type { Connection, RowDataPacket } from 'mysql2/promise'
import { tableOf } from './ownership.ts'

/**
 * Makes MariaDB copy a table that has a virtual column. MariaDB 10.11 aborts (`table->n_rec_locks == 0`) when
 * such a table is changed in place while transactions add rows that refer to it.
 */
export async function chooseAlgorithm(connection: Connection, statement: string) {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT VERSION() LIKE '%MariaDB%' AS isMariadb, EXISTS (
      SELECT 1 FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? AND extra LIKE 'VIRTUAL%') AS isVirtual`,
    [tableOf(statement) ?? ''],
  )
  if (!row?.isMariadb) return
  await connection.query(`SET SESSION alter_algorithm = '${row.isVirtual ? 'COPY' : 'DEFAULT'}'`)
}
