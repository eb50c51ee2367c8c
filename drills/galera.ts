import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { startMariadb } from '../local/mariadb.ts'
import { everyServer } from '../local/mariadb-files.ts'
import { findProgram } from '../local/mariadb-install.ts'
import { background, failure, gone, isRunning } from '../local/mariadb-process.ts'
import { CHECK_USER } from './database-balancer.ts'
import { giveTo, type Owner, unprivileged } from './files.ts'
import { freePort } from './free-port.ts'
import type { Stops } from './house.ts'

const NODES = 3
const PROVIDER = '/usr/lib/galera/libgalera_smm.so'
/** Milliseconds in which a node has caught up. */
const PATIENCE = 60_000

type Node = ReturnType<typeof createNode>

/** Three nodes of Galera on loopback, which begin with copies of one node's files. */
export async function startGalera(stops: Stops, folder: string) {
  if (!existsSync(PROVIDER)) throw new Error('Galera is missing: apt-get install galera-4 rsync')
  const seed = join(folder, 'seed')
  const path = [transferScripts(folder), process.env.PATH].join(delimiter)
  // As root it fails where it may not choose the priority of its threads.
  const owner = unprivileged()
  const { url, stop } = await startMariadb({ folder: seed, onStop: stops.add, everyDatabase: true })
  const connection = await createConnection(url)
  await connection.query(`CREATE USER ${CHECK_USER}@'127.0.0.1'`)
  await connection.end()
  await stop()
  giveTo(owner, folder)

  const urlOf = (port: number) => url.replace(/:\d+\//, `:${port}/`)
  const groupPorts = await Promise.all(Array.from({ length: NODES }, freePort))
  const address = `gcomm://${groupPorts.map((port) => `127.0.0.1:${port}`).join()}`
  const nodes: Node[] = []
  for (const [n, groupPort] of groupPorts.entries()) {
    const base = join(folder, `node${n}`)
    cpSync(nodes[0]?.base ?? seed, base, { recursive: true })
    giveTo(owner, base)
    const node = createNode({ base, port: await freePort(), groupPort, urlOf, owner, path })
    stops.add(node.kill)
    nodes.push(node)
    // A group of its own, whose name and position the copies have: they need no full transfer.
    if (n === 0) {
      await node.start('gcomm://')
      await node.stop()
    }
  }
  for (const [n, node] of nodes.entries()) await node.start(n === 0 ? 'gcomm://' : address)
  return { nodes, urlOf, rejoin: (node: Node) => node.start(address) }
}

/**
 * The folder of the scripts that bring a node's files to another. They are in the package of the server that starts by
 * itself, so it is unpacked and not installed.
 */
function transferScripts(folder: string) {
  const installed = findProgram('wsrep_sst_rsync')
  if (installed) return dirname(installed)
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: 'ignore' })
  run('apt-get', 'download', 'mariadb-server')
  const [file = ''] = globSync('mariadb-server_*.deb', { cwd: folder })
  run('dpkg', '-x', file, 'package')
  return join(folder, 'package/usr/bin')
}

type NodeOptions = {
  base: string
  port: number
  groupPort: number
  urlOf: (port: number) => string
  owner: Owner
  path: string
}

function createNode({ base, port, groupPort, urlOf, owner, path }: NodeOptions) {
  const program = findProgram('mariadbd') ?? ''
  const data = join(base, 'data')
  const log = join(base, 'mariadbd.log')
  const files = everyServer(base, data)
  let child: ReturnType<typeof background> | undefined

  /** The position of a node that was killed is in its redo log. */
  function recoveredPosition() {
    const recoveryLog = join(base, 'recovery.log')
    const options = [
      '--skip-networking',
      '--socket=',
      `--wsrep-provider=${PROVIDER}`,
      '--wsrep-recover',
    ]
    const args = [...files, ...options, `--log-error=${recoveryLog}`]
    execFileSync(program, args, { stdio: 'ignore', ...owner, cwd: base })
    const lines = readFileSync(recoveryLog, 'utf8').matchAll(/Recovered position: (\S+)/g)
    return [...lines].at(-1)?.[1]
  }

  /** Ends when the node has caught up with its group. */
  async function start(address: string) {
    const position = child?.signalCode === 'SIGKILL' ? recoveredPosition() : undefined
    const provider = [
      `gmcast.listen_addr=tcp://127.0.0.1:${groupPort}`,
      `ist.recv_addr=127.0.0.1:${await freePort()}`,
      // With the defaults a killed node stalls its group for 6 s. A shorter evs.inactive_timeout also shortens the time in
      // which the others must agree; when they do not, none of them has a majority.
      'evs.keepalive_period=PT0.3S',
      'evs.inactive_check_period=PT0.1S',
      'evs.join_retrans_period=PT0.3S',
      'evs.suspect_timeout=PT1S',
    ]
    const args = [
      ...files,
      ...['--bind-address=127.0.0.1', `--port=${port}`, '--socket=', '--skip-name-resolve'],
      ...['--character-set-server=utf8mb4', '--collation-server=utf8mb4_bin'],
      ...['--innodb-buffer-pool-size=128M', '--max-connections=200'],
      ...[
        '--binlog-format=ROW',
        '--innodb-autoinc-lock-mode=2',
        '--innodb-flush-log-at-trx-commit=1',
      ],
      ...['--wsrep-on=ON', `--wsrep-provider=${PROVIDER}`, `--wsrep-cluster-address=${address}`],
      ...[
        '--wsrep-cluster-name=drill',
        '--wsrep-node-address=127.0.0.1',
        '--wsrep-sst-method=rsync',
      ],
      // A node that takes over shows what the one before has committed.
      ...['--wsrep-sync-wait=1', `--wsrep-provider-options=${provider.join(';')}`],
      ...(position ? [`--wsrep-start-position=${position}`] : []),
    ]
    child = background(program, args, log, 'SIGKILL', base, { ...owner, env: { PATH: path } })
    await untilSynced()
  }

  async function untilSynced() {
    const deadline = performance.now() + PATIENCE
    let state = ''
    while (state !== 'Synced' && performance.now() < deadline && child?.exitCode === null) {
      await sleep(100)
      state = await stateOf(urlOf(port)).catch(({ message }) => message)
    }
    if (state !== 'Synced') throw failure(`A node of Galera does not catch up (${state}).`, log)
  }

  return {
    base,
    port,
    start,
    untilSynced,
    kill: () => void child?.kill('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      const stopped = child
      stopped?.kill('SIGTERM')
      if (stopped)
        await gone(
          () => !isRunning(stopped),
          () => stopped.kill('SIGKILL'),
        )
    },
  }
}

async function stateOf(url: string) {
  const connection = await createConnection(url)
  try {
    const ask = "SHOW STATUS LIKE 'wsrep_local_state_comment'"
    const [[row]] = await connection.query<RowDataPacket[]>(ask)
    return String(row?.Value)
  } finally {
    connection.destroy()
  }
}
