import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import getPort from 'get-port'
import { createPool, type RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { isMysql, startDatabase } from './database.ts'

const WORDS = isMysql
  ? {
      position: '@@global.gtid_executed',
      reset: 'RESET BINARY LOGS AND GTIDS',
      begin: 'SET GLOBAL gtid_purged = ?',
      source: (port: number, user: string, password: string) =>
        `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port}, SOURCE_USER = '${user}',
          SOURCE_PASSWORD = '${password}', SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1`,
      delay: (seconds: number) => `CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ${seconds}`,
      start: 'START REPLICA',
      stop: 'STOP REPLICA',
      forget: 'RESET REPLICA ALL',
    }
  : {
      position: '@@global.gtid_binlog_pos',
      reset: 'SET GLOBAL gtid_slave_pos = ""',
      begin: 'SET GLOBAL gtid_slave_pos = ?',
      source: (port: number, user: string, password: string) =>
        `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = '${user}',
          MASTER_PASSWORD = '${password}', MASTER_USE_GTID = slave_pos`,
      delay: (seconds: number) => `CHANGE MASTER TO MASTER_DELAY = ${seconds}`,
      start: 'START SLAVE',
      stop: 'STOP SLAVE',
      forget: 'RESET SLAVE ALL',
    }
/** A primary without this log has no GTIDs, and `volatile` would turn it off. */
const PRIMARY = isMysql ? [] : ['--log-bin=binlog', '--server-id=1', '--sync-binlog=0']
const REPLICA = ['--server-id=2', '--read-only=ON']

const freePort = () => getPort({ host: '127.0.0.1' })

/** A primary and a replica of it, in replication by GTIDs, on empty databases. */
export async function startReplication(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-replication-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const primary = await startDatabase({
    folder: join(folder, 'primary'),
    everyDatabase: true,
    serverOptions: PRIMARY,
    port: await freePort(),
  })
  t.teardown(() => primary.stop())
  const port = await freePort()
  const startReplica = () =>
    startDatabase({
      folder: join(folder, 'replica'),
      everyDatabase: true,
      volatile: true,
      serverOptions: REPLICA,
      port,
    })
  let replica = await startReplica()
  t.teardown(() => replica.stop())

  const pools = [primary.url, replica.url].map((url) =>
    createPool({ ...connectionOptions({ DATABASE_URL: url }), connectionLimit: 1 }),
  )
  t.teardown(() => Promise.all(pools.map((pool) => pool.end())))
  const [onPrimary, onReplica] = pools.map(
    (pool) =>
      async (sql: string, values: string[] = []) =>
        (await pool.query<RowDataPacket[]>(sql, values))[0],
  ) as [Query, Query]

  const { password } = new URL(primary.url)
  // MySQL takes at most 32 characters for this purpose.
  const short = password.slice(0, 32)
  await onPrimary(`CREATE USER replica@'%' IDENTIFIED BY '${short}'`)
  await onPrimary("GRANT REPLICATION SLAVE ON *.* TO replica@'%'")
  const [row] = await onPrimary(`SELECT ${WORDS.position} AS position`)
  await onReplica(WORDS.reset)
  await onReplica(WORDS.begin, [row?.position])
  await onReplica(WORDS.source(primary.port, 'replica', short))
  await onReplica(WORDS.start)
  /** A user of the replica that has no right but to read; a start of MariaDB deletes users. */
  async function addReader() {
    await onReplica(`CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '${password}'`)
    await onReplica("GRANT SELECT ON birdhouse.* TO reader@'%'")
  }
  await addReader()
  const replicaUrl = new URL(replica.url)
  Object.assign(replicaUrl, { username: 'reader', password })

  return {
    primaryUrl: primary.url,
    replicaUrl: replicaUrl.href,
    onReplica,
    stopReplicating: () => onReplica(WORDS.stop),
    startReplicating: () => onReplica(WORDS.start),
    /** The replica applies everything so many seconds late. */
    async delay(seconds: number) {
      await onReplica(WORDS.stop)
      await onReplica(WORDS.delay(seconds))
      await onReplica(WORDS.start)
    },
    /** The replica becomes a server of its own. */
    async promote() {
      await onReplica(WORDS.stop)
      await onReplica(WORDS.forget)
      await onReplica('SET GLOBAL read_only = OFF')
    },
    stop: () => replica.stop(),
    freeze: () => process.kill(replica.pid, 'SIGSTOP'),
    thaw: () => process.kill(replica.pid, 'SIGCONT'),
    async start() {
      replica = await startReplica()
      await addReader()
    },
  }
}

type Query = (sql: string, values?: string[]) => Promise<RowDataPacket[]>
