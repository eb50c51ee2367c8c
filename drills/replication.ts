import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { startMariadb } from '../local/mariadb.ts'
import { CHECK_USER } from './database-balancer.ts'
import { freePort } from './free-port.ts'
import type { Stops } from './house.ts'

/** As docs/operating-cluster.md says. */
const SERVER = [
  ...['--log-bin=binlog', '--binlog-format=ROW', '--log-slave-updates', '--gtid-strict-mode=ON'],
  ...['--sync-binlog=1', '--read-only=ON', '--rpl-semi-sync-slave-enabled=ON'],
  ...['--rpl-semi-sync-master-wait-point=AFTER_SYNC', '--rpl-semi-sync-master-timeout=10000'],
]
const TAKE_WRITES = ['SET GLOBAL rpl_semi_sync_master_enabled = ON', 'SET GLOBAL read_only = OFF']

/** A primary, and a replica that has each transaction before it is acknowledged. */
export async function startReplication(stops: Stops, folder: string) {
  const password = randomBytes(16).toString('hex')
  const servers = []
  for (const id of [1, 2]) {
    const server = await startMariadb({
      folder: join(folder, `server${id}`),
      everyDatabase: true,
      port: await freePort(),
      serverOptions: [...SERVER, `--server-id=${id}`],
    })
    stops.add(server.kill)
    await ask(
      server.url,
      ...[`CREATE USER ${CHECK_USER}@'%'`, `CREATE USER house@'%' IDENTIFIED BY '${password}'`],
      "GRANT ALL ON birdhouse.* TO house@'%'",
      `CREATE USER replica@'%' IDENTIFIED BY '${password}'`,
      "GRANT REPLICATION SLAVE ON *.* TO replica@'%'",
      ...['RESET MASTER', "SET GLOBAL gtid_slave_pos = ''"],
    )
    servers.push(server)
  }
  const [primary, replica] = servers as [(typeof servers)[0], (typeof servers)[0]]
  await ask(
    replica.url,
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = 'replica',
      MASTER_PASSWORD = '${password}', MASTER_USE_GTID = slave_pos`,
    'START SLAVE',
  )
  await ask(primary.url, ...TAKE_WRITES)

  return {
    ports: [primary.port, replica.port],
    urlOf: (port: number) => `mysql://house:${password}@127.0.0.1:${port}/birdhouse`,
    replica,
    killPrimary: () => primary.kill(),
    /** The steps of docs/operating-cluster.md. */
    async promote() {
      await ask(replica.url, 'STOP SLAVE IO_THREAD')
      const [status] = await ask(replica.url, 'SHOW SLAVE STATUS')
      const [row] = await ask(
        replica.url,
        `SELECT MASTER_GTID_WAIT('${status?.Gtid_IO_Pos}', 60) AS late`,
      )
      if (row?.late !== 0) throw new Error('The replica has not applied what it has received.')
      await ask(replica.url, 'STOP SLAVE', 'RESET SLAVE ALL', ...TAKE_WRITES)
    },
  }
}

/** @returns the rows of the last statement */
async function ask(url: string, ...statements: string[]) {
  const connection = await createConnection(url)
  try {
    let rows: RowDataPacket[] = []
    for (const statement of statements) [rows] = await connection.query<RowDataPacket[]>(statement)
    return rows
  } finally {
    connection.destroy()
  }
}
