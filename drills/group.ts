import { randomBytes, randomUUID } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { startMysql, unprivileged } from '../test/mysql/server.ts'
import { CHECK_USER } from './database-balancer.ts'
import { giveTo } from './files.ts'
import { freePort } from './free-port.ts'
import type { Stops } from './house.ts'

const MEMBERS = 3
/** Milliseconds in which a member has caught up. */
const PATIENCE = 60_000
const STATE = `SELECT member_state AS state FROM performance_schema.replication_group_members
  WHERE member_id = @@server_uuid`

type Member = ReturnType<typeof createMember>

/** Three MySQL servers in group replication with one primary, which begin with copies of one server's files. */
export async function startGroup(stops: Stops, folder: string) {
  const seed = join(folder, 'seed')
  const { url, stop, kill } = await startMysql({ folder: seed, everyDatabase: true })
  stops.add(kill)
  const connection = await createConnection(url)
  await connection.query(`CREATE USER ${CHECK_USER}@'%' IDENTIFIED WITH caching_sha2_password`)
  await connection.query(`GRANT SELECT ON performance_schema.* TO ${CHECK_USER}@'%'`)
  // At most 32 characters.
  const password = randomBytes(16).toString('hex')
  await connection.query(`CREATE USER recovery@'%' IDENTIFIED BY '${password}'`)
  await connection.query(
    "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO recovery@'%'",
  )
  // The members begin with the same history.
  await connection.query('RESET BINARY LOGS AND GTIDS')
  await connection.end()
  await stop()

  const urlOf = (port: number) => url.replace(/:\d+\//, `:${port}/`)
  const addresses = await Promise.all(
    Array.from({ length: MEMBERS }, async () => `127.0.0.1:${await freePort()}`),
  )
  const name = randomUUID()
  const members: Member[] = []
  for (const [n, address] of addresses.entries()) {
    const base = join(folder, `member${n}`)
    cpSync(seed, base, { recursive: true })
    // The server's own id.
    rmSync(join(base, 'data/auto.cnf'))
    giveTo(unprivileged(), base)
    const options = [
      ...[`--server-id=${n + 1}`, '--plugin-load-add=group_replication.so'],
      ...['--report-host=127.0.0.1', '--group-replication-start-on-boot=OFF'],
      `--group-replication-group-name=${name}`,
      `--group-replication-local-address=${address}`,
      `--group-replication-group-seeds=${addresses.join()}`,
      '--group-replication-recovery-get-public-key=ON',
      // A member that is not heard of for 5 s is expelled at once, instead of 5 s later.
      '--group-replication-member-expel-timeout=0',
    ]
    const member = createMember(base, urlOf(await freePort()), options, password)
    stops.add(member.kill)
    members.push(member)
    await member.start(n === 0)
  }
  return { members, urlOf }
}

function createMember(folder: string, url: string, options: string[], password: string) {
  let server: Awaited<ReturnType<typeof startMysql>> | undefined
  const port = Number(new URL(url).port)

  async function ask(...statements: string[]) {
    const connection = await createConnection(url)
    try {
      let rows: RowDataPacket[] = []
      for (const statement of statements)
        [rows] = await connection.query<RowDataPacket[]>(statement)
      return rows
    } finally {
      connection.destroy()
    }
  }

  async function untilOnline() {
    const deadline = performance.now() + PATIENCE
    while (performance.now() < deadline) {
      const [row] = await ask(STATE).catch(() => [])
      if (row?.state === 'ONLINE') return
      await sleep(100)
    }
    throw new Error(`A member of the group does not catch up; see ${folder}/mysqld.log.`)
  }

  return {
    port,
    /** Ends when the member has caught up with its group. */
    async start(isFirst = false) {
      server = await startMysql({
        folder,
        port,
        serverOptions: [`--report-port=${port}`, ...options],
      })
      const bootstrap = (value: string) =>
        ask(`SET GLOBAL group_replication_bootstrap_group = ${value}`)
      if (isFirst) await bootstrap('ON')
      await ask(`START GROUP_REPLICATION USER = 'recovery', PASSWORD = '${password}'`)
      if (isFirst) await bootstrap('OFF')
      await untilOnline()
    },
    kill: () => server?.kill(),
  }
}
