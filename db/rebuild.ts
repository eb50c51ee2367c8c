import type { Connection, RowDataPacket } from 'mysql2/promise'
import { tableOf } from './ownership.ts'

const NAME = '(`?\\w+`?)'
const ADD_INDEX = new RegExp(`^CREATE (|UNIQUE )INDEX ${NAME} ON ${NAME} ?(\\(.*\\))$`, 'is')
const DROP_INDEX = new RegExp(`^DROP (|UNIQUE )INDEX ${NAME} ON ${NAME}$`, 'is')

/**
 * Makes MariaDB rebuild a table that has a virtual column, in place (`FORCE`). Without a rebuild, MariaDB 10.11 aborts
 * (`table->n_rec_locks == 0`) while transactions add rows that refer to the table; while it copies the table, it
 * refuses these rows (1452).
 */
export async function rebuildInPlace(connection: Connection, statement: string) {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT VERSION() LIKE '%MariaDB%' AND EXISTS (
      SELECT 1 FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? AND extra LIKE 'VIRTUAL%') AS needed`,
    [tableOf(statement) ?? ''],
  )
  return row?.needed ? forced(statement) : statement
}

/** ALTER TABLE alone takes FORCE. */
function forced(statement: string) {
  const alter = statement
    .trim()
    .replace(/\s*;$/, '')
    .replace(ADD_INDEX, 'ALTER TABLE $3 ADD $1INDEX $2 $4')
    .replace(DROP_INDEX, 'ALTER TABLE $3 DROP INDEX $2')
  return /^ALTER TABLE /i.test(alter) ? `${alter}, FORCE` : statement
}
