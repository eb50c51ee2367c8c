import type { ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import { createConnection } from 'mysql2/promise'
import type { Progress } from '../db/migrate.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { keptSecret } from './kept-secret.ts'
import { createFiles, everyServer } from './mariadb-files.ts'
import { ensureMariadb } from './mariadb-install.ts'
import {
  background,
  failure,
  gone,
  isRunning,
  PORT_TAKEN,
  runsOn,
  waitsForSpace,
} from './mariadb-process.ts'
import type { OnStop } from './needs.ts'

/** Milliseconds; recovery after a crash may take a while. */
const START_TIMEOUT = 60_000
const DATABASE = 'birdhouse'
const PREFERRED_PORT = 33_060
/** Ports to try; another process may take a port between its choice and its use. */
const PORT_TRIES = 5

type Options = {
  folder: string
  progress?: Progress
  /** For tests: faster, but a crash of the machine may lose data. */
  volatile?: boolean
  /** Tried first; another port is chosen when it is taken. */
  port?: number
  /** For tests and benches: the account may create databases. */
  everyDatabase?: boolean
  /** More options of the server. */
  serverOptions?: string[]
  /** Gets a function that stops the server, as soon as its process exists. */
  onStop?: OnStop
}

/**
 * Starts a private MariaDB server on loopback, with its data in `folder` and a generated password.
 * Stops a server that a killed process has left running on the folder.
 * @throws Error that says what to install or where to look.
 */
export async function startMariadb({
  folder,
  progress = () => {},
  volatile,
  port: wanted,
  everyDatabase = false,
  serverOptions = [],
  onStop,
}: Options) {
  const base = resolve(folder)
  const data = join(base, 'data')
  const program = ensureMariadb(progress)
  mkdirSync(base, { recursive: true })
  chmodSync(base, 0o700)
  await stopLeftOver(base, data)
  if (!existsSync(join(data, 'mysql'))) {
    progress('creating the database files')
    await createFiles(base, data)
  }
  const password = keptSecret(join(base, 'password'))
  const start = async (port: number) => {
    writeFileSync(initFile(base), accounts(password, everyDatabase), { mode: 0o600 })
    const child = launch(program, base, data, port, volatile, serverOptions)
    onStop?.(() => stop(child))
    const url = `mysql://birdhouse:${password}@127.0.0.1:${port}/${DATABASE}`
    await untilReady(child, url, base)
    return {
      url,
      port,
      pid: child.pid ?? 0,
      stop: () => stop(child),
      kill: () => child.kill('SIGKILL'),
    }
  }
  return onFreePort(start, wanted ?? (await freePort(PREFERRED_PORT)))
}

const freePort = (preferred = 0) => getPort({ port: preferred, host: '127.0.0.1' })

/** Starts a server on this port, or on another one when the port is taken. */
async function onFreePort<T>(start: (port: number) => Promise<T>, port: number, tries = 1) {
  return start(port).catch(async (error): Promise<T> => {
    if (error.code !== PORT_TAKEN || tries === PORT_TRIES) throw error
    return onFreePort(start, await freePort(), tries + 1)
  })
}

function launch(
  program: string,
  base: string,
  data: string,
  port: number,
  volatile: boolean | undefined,
  serverOptions: string[],
) {
  const durability = volatile
    ? [
        '--innodb-flush-log-at-trx-commit=0',
        '--skip-log-bin',
        '--innodb-doublewrite=0',
        '--sync-binlog=0',
      ]
    : []
  const child = background(
    program,
    [
      ...everyServer(base, data),
      `--init-file=${initFile(base)}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--socket=',
      '--skip-name-resolve',
      // Statements read and write files in this empty folder alone; MariaDB knows no value for nowhere.
      `--secure-file-priv=${noFiles(base)}`,
      '--local-infile=0',
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_bin',
      '--innodb-buffer-pool-size=256M',
      '--max-connections=400',
      `--pid-file=${join(data, 'mariadbd.pid')}`,
      ...durability,
      ...serverOptions,
    ],
    join(base, 'mariadbd.log'),
    'SIGTERM',
  )
  // The server writes its own file only when it is ready; a kill before that must leave one as well.
  writeFileSync(pidFile(base), String(child.pid))
  return child
}

const initFile = (base: string) => join(base, 'init.sql')

function noFiles(base: string) {
  const folder = join(base, 'no-files')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/**
 * Runs at each start, before the server accepts connections. One statement per line. MariaDB's installer
 * makes accounts of root without a password for 127.0.0.1, ::1 and the name of the machine.
 */
const accounts = (password: string, everyDatabase: boolean) => `
DELETE FROM mysql.global_priv WHERE NOT (User IN ('root', 'mariadb.sys') AND Host = 'localhost');
DELETE FROM mysql.db;
FLUSH PRIVILEGES;
CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER birdhouse@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON ${everyDatabase ? '*.*' : `${DATABASE}.*`} TO birdhouse@'127.0.0.1'${everyDatabase ? ' WITH GRANT OPTION' : ''};
ALTER USER root@localhost IDENTIFIED BY '${password}';
`

/** Waits for the log, so that the password is never sent to another server on the port. */
async function untilReady(child: ChildProcess, url: string, base: string) {
  const deadline = performance.now() + START_TIMEOUT
  const log = join(base, 'mariadbd.log')
  const options = connectionOptions({ DATABASE_URL: url })
  while (performance.now() < deadline) {
    if (!isRunning(child)) {
      throw failure('MariaDB did not start.', log)
    }
    if (waitsForSpace(log)) {
      child.kill('SIGKILL')
      throw failure('MariaDB did not start.', log)
    }
    if (readFileSync(log, 'utf8').includes('ready for connections')) {
      const connection = await createConnection(options)
      return connection.end()
    }
    await sleep(40)
  }
  throw new Error(`MariaDB did not answer within ${START_TIMEOUT / 1000} s; see ${log}.`)
}

async function stop(child: ChildProcess) {
  child.kill('SIGTERM')
  await gone(
    () => !isRunning(child),
    () => child.kill('SIGKILL'),
  )
}

const pidFile = (base: string) => join(base, 'pid')

async function stopLeftOver(base: string, data: string) {
  const file = pidFile(base)
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  if (!runsOn(pid, data)) return
  process.kill(pid, 'SIGTERM')
  await gone(
    () => !runsOn(pid, data),
    () => process.kill(pid, 'SIGKILL'),
  )
}
