import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type ResultSetHeader,
} from 'mysql2/promise'
import { isConflict, mysqlError } from '../plugins/db/errors.ts'
import { withLock } from './migration-lock.ts'
import { failure, type History, pendingSteps, readSteps, type Step } from './migration-steps.ts'
import { foreignStatement } from './ownership.ts'
import { rebuildInPlace } from './rebuild.ts'

export type Progress = (line: string) => void

const KERNEL: History = { folder: join(import.meta.dirname, 'migrations') }

/**
 * Seconds. A statement that waits for a table makes every later query of that table wait, so it gives up
 * and tries again after a pause, in which those queries run.
 */
const LOCK_WAIT = 1
/** Milliseconds of a pause. */
const PAUSE = { least: 200, most: 1_000 }
/** Milliseconds of all tries of one statement, for transactions that hold a table for long. */
const PATIENCE = 120_000

// A process that was killed after a DDL statement and before recording it leaves the statement done:
// table exists, column exists, key exists, foreign key exists, nothing to drop, no such table.
const DONE_ALREADY = new Set([1050, 1060, 1061, 1826, 1091, 1051])

/**
 * Brings the schema up to date; any number of processes may call this at the same time. DDL can't
 * be rolled back, so each statement is a separate step, recorded before and after it runs. Each
 * extension has its own history, applied after the kernel's. Returns the number of applied steps.
 * @throws Error when an applied migration was edited or a statement fails; ExtensionError when the
 * migration belongs to an extension
 */
export async function migrate(
  database: ConnectionOptions,
  progress: Progress = () => {},
  extensions: History[] = [],
  kernel = KERNEL,
) {
  const steps = [kernel, ...extensions].flatMap(readSteps)
  const connection = await connect(database)
  try {
    if ((await pendingSteps(connection, steps)).length === 0) return 0
    await createTables(connection)
    const locking = await connect(database)
    return await withLock(locking, progress, async (renew) => {
      const pending = await pendingSteps(connection, steps)
      for (const step of pending) await apply(connection, step, renew, progress)
      if (pending.length > 0) progress(`${pending.length} migration steps applied`)
      return pending.length
    }).finally(() => locking.end())
  } finally {
    await connection.end()
  }
}

/** The steps of a database, and those of them that `migrate` would apply. @throws as `migrate` does */
export async function readMigrations(database: ConnectionOptions, extensions: History[] = []) {
  const steps = [KERNEL, ...extensions].flatMap(readSteps)
  const connection = await connect(database)
  try {
    return { steps, pending: await pendingSteps(connection, steps) }
  } finally {
    await connection.end()
  }
}

const connect = (database: ConnectionOptions) =>
  createConnection({ ...database, connectTimeout: 10_000 })

async function createTables(connection: Connection) {
  await connection.query(`CREATE TABLE IF NOT EXISTS migrations (
    id VARCHAR(191) CHARACTER SET ascii NOT NULL PRIMARY KEY, hash CHAR(64) NOT NULL,
    started_at DATETIME(3) NOT NULL, applied_at DATETIME(3) NULL)`)
  await connection.query(`CREATE TABLE IF NOT EXISTS migration_lock (
    id INT NOT NULL PRIMARY KEY, token CHAR(36) NULL, expires_at DATETIME(3) NOT NULL)`)
  await connection.query(`INSERT IGNORE INTO migration_lock VALUES (1, NULL, '2000-01-01')`)
}

async function apply(
  connection: Connection,
  step: Step,
  renew: () => Promise<void>,
  progress: Progress,
) {
  const { id, hash, statement, owner } = step
  const reason = owner && foreignStatement(owner, statement)
  if (reason) throw failure(step, `Migration ${id} ${reason}`)
  await renew()
  const [started] = await connection.query<ResultSetHeader>(
    'INSERT IGNORE INTO migrations VALUES (?, ?, UTC_TIMESTAMP(3), NULL)',
    [id, hash],
  )
  const interruptedBefore = started.affectedRows === 0
  try {
    await runUnderLoad(connection, await rebuildInPlace(connection, statement), async (reason) => {
      progress(`migration ${id} waits for a lock (${reason}); trying again`)
      await renew()
    })
  } catch (error) {
    if (!(interruptedBefore && isDoneAlready(error))) {
      if (!interruptedBefore && isRefused(error)) await forget(connection, id)
      throw failure(step, `Migration ${id} failed: ${(error as Error).message}`, { cause: error })
    }
  }
  await connection.query('UPDATE migrations SET applied_at = UTC_TIMESTAMP(3) WHERE id = ?', [id])
}

/** Runs a statement between the transactions of running processes. */
async function runUnderLoad(
  connection: Connection,
  statement: string,
  beforeRetry: (reason: string) => Promise<void>,
) {
  await connection.query(
    `SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT}, lock_wait_timeout = ${LOCK_WAIT}`,
  )
  for (const end = performance.now() + PATIENCE; ; ) {
    try {
      return await connection.query(statement)
    } catch (error) {
      if (!isConflict(error) || performance.now() > end) throw error
      await sleep(PAUSE.least + Math.random() * (PAUSE.most - PAUSE.least))
      await beforeRetry((error as Error).message)
    }
  }
}

function isDoneAlready(error: unknown) {
  const { errno = 0, sqlMessage = '' } = mysqlError(error) ?? {}
  // MariaDB reports a foreign key that can't be created as 1005; 121 means that its name is taken.
  return DONE_ALREADY.has(errno) || (errno === 1005 && sqlMessage.includes('errno: 121'))
}

/** True when the server refused the statement, so nothing was done; a lost connection leaves that open. */
const isRefused = (error: unknown) =>
  mysqlError(error)?.sqlMessage !== undefined && !mysqlError(error)?.fatal

/** Deletes the record of a refused statement, so that a corrected one does not count as interrupted. */
const forget = (connection: Connection, id: string) =>
  connection.query('DELETE FROM migrations WHERE id = ?', [id])
