import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import { createConnection } from 'mysql2/promise'
import type { Progress } from '../../db/migrate.ts'
import { keptSecret } from '../../local/kept-secret.ts'
import { background, failure, gone, isRunning } from '../../local/mariadb-process.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { findMysqld, type Mysqld } from './packages.ts'

/** Milliseconds; recovery after a crash may take a while. */
const START_TIMEOUT = 120_000
const DATABASE = 'birdhouse'
/** As on a managed server: a binary log and global transaction ids. TLS is on by itself. */
const PRODUCTION = [
  '--server-id=1',
  '--log-bin=binlog',
  '--gtid-mode=ON',
  '--enforce-gtid-consistency=ON',
]
const VOLATILE = [
  '--innodb-flush-log-at-trx-commit=0',
  '--sync-binlog=0',
  '--innodb-doublewrite=0',
  '--innodb-redo-log-capacity=64M',
]

export type Options = {
  folder: string
  progress?: Progress
  volatile?: boolean
  port?: number
  everyDatabase?: boolean
  serverOptions?: string[]
}

/** As `startMariadb`, with a MySQL; its account uses caching_sha2_password. */
export async function startMysql(options: Options) {
  const base = resolve(options.folder)
  const mysqld = findMysqld(options.progress)
  const owner = unprivileged()
  makeFolder(base, owner)
  const data = join(base, 'data')
  const log = join(base, 'mysqld.log')
  const launch = (...args: string[]) =>
    background(mysqld.program, [...everyServer(mysqld, data), ...args], log, 'SIGKILL', base, owner)
  const isNew = !existsSync(data)
  if (isNew) await createFiles(launch('--initialize-insecure'), log)
  const password = keptSecret(join(base, 'password'))
  const port = options.port ?? (await getPort({ host: '127.0.0.1' }))
  const initFile = join(base, 'init.sql')
  writeFileSync(initFile, accounts(password, options.everyDatabase), { mode: 0o644 })
  const child = launch(
    // Once: each run is a transaction of this server alone, which keeps it out of its group.
    ...(isNew ? [`--init-file=${initFile}`] : []),
    ...['--bind-address=127.0.0.1', `--port=${port}`],
    ...['--socket=mysqld.sock', `--pid-file=${join(data, 'mysqld.pid')}`, '--mysqlx=OFF'],
    ...['--skip-name-resolve', '--secure-file-priv=NULL', '--innodb-buffer-pool-size=256M'],
    ...['--max-connections=400', ...PRODUCTION],
    ...(options.volatile ? VOLATILE : []),
    ...(options.serverOptions ?? []),
  )
  const stop = async () => {
    child.kill('SIGTERM')
    await gone(
      () => !isRunning(child),
      () => child.kill('SIGKILL'),
    )
  }
  const url = `mysql://birdhouse:${password}@127.0.0.1:${port}/${DATABASE}`
  await untilReady(() => isRunning(child), url, log)
  return { url, port, pid: child.pid ?? 0, stop, kill: () => child.kill('SIGKILL') }
}

/** A server does not run as root. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (option: string) =>
    Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function makeFolder(base: string, { uid, gid }: { uid?: number; gid?: number }) {
  mkdirSync(base, { recursive: true })
  if (uid === undefined || gid === undefined) return
  chownSync(base, uid, gid)
  // Folders of tests are closed to other users.
  const parent = join(base, '..')
  chmodSync(parent, (statSync(parent).mode & 0o7777) | 0o111)
}

function everyServer({ args, base }: Mysqld, data: string) {
  const support = base && [
    `--basedir=${base}`,
    `--lc-messages-dir=${join(base, 'share/mysql')}`,
    `--character-sets-dir=${join(base, 'share/mysql/charsets')}`,
    `--plugin-dir=${join(base, 'lib/mysql/plugin')}`,
  ]
  return [...args, '--no-defaults', ...(support || []), `--datadir=${data}`]
}

async function createFiles(child: ReturnType<typeof background>, log: string) {
  while (isRunning(child)) await sleep(20)
  if (child.exitCode !== 0) throw failure('MySQL could not create its files.', log)
}

/** Runs at each start, before the server accepts connections. One statement per line. */
const accounts = (password: string, everyDatabase = false) => `
CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS birdhouse@'%' IDENTIFIED WITH caching_sha2_password BY '${password}';
GRANT ALL ON ${everyDatabase ? '*.*' : `${DATABASE}.*`} TO birdhouse@'%'${everyDatabase ? ' WITH GRANT OPTION' : ''};
ALTER USER root@localhost IDENTIFIED BY '${password}';
`

async function untilReady(running: () => boolean, url: string, log: string) {
  const deadline = performance.now() + START_TIMEOUT
  while (performance.now() < deadline) {
    if (!running()) throw failure('MySQL did not start.', log)
    if (/ready for connections/.test(readFileSync(log, 'utf8'))) {
      const connection = await createConnection(connectionOptions({ DATABASE_URL: url }))
      return connection.end()
    }
    await sleep(40)
  }
  throw new Error(`MySQL did not answer within ${START_TIMEOUT / 1000} s; see ${log}.`)
}
