import type { Pool, RowDataPacket } from 'mysql2/promise'

/** How a kind of server says what it has committed, and waits until it has applied as much. */
export type Dialect = { position: string; wait: string }

const MARIADB: Dialect = {
  position: 'SELECT @@global.gtid_binlog_pos AS position',
  wait: 'SELECT @@global.read_only AS isReadOnly, MASTER_GTID_WAIT(?, ?) AS late',
}
const MYSQL: Dialect = {
  position: 'SELECT @@global.gtid_executed AS position',
  wait: 'SELECT @@global.read_only AS isReadOnly, WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS late',
}

export async function dialectOf(primary: Pool) {
  const [[row]] = await primary.query<RowDataPacket[]>('SELECT VERSION() AS version')
  return row?.version.includes('MariaDB') ? MARIADB : MYSQL
}

/** The transactions that the primary has committed, as GTIDs; empty where it writes none. */
export async function readPosition(primary: Pool, { position }: Dialect): Promise<string> {
  const [[row]] = await primary.query<RowDataPacket[]>(position)
  return row?.position ?? ''
}
