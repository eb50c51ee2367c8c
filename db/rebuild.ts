import type { Connection, RowDataPacket } from 'mysql2/promise'
import { tableOf } from './ownership.ts'

const NAME = '(`?\\w+`?)'
/** ALTER TABLE alone takes FORCE. */
const INDEXES: [RegExp, string][] = [
  [
    new RegExp(`^CREATE (|UNIQUE )INDEX ${NAME} ON ${NAME} ?(\\(.*\\))$`, 'is'),
    'ADD $1INDEX $2 $4',
  ],
  [new RegExp(`^DROP (|UNIQUE )INDEX ${NAME} ON ${NAME}$`, 'is'), 'DROP INDEX $2'],
]

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

function forced(statement: string) {
  const sql = statement.trim().replace(/\s*;$/, '')
  const [pattern, change] = INDEXES.find(([pattern]) => pattern.test(sql)) ?? []
  if (pattern && change) return sql.replace(pattern, `ALTER TABLE $3 ${change}, FORCE`)
  return /^ALTER TABLE /i.test(sql) ? `${sql}, FORCE` : statement
}
