import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise'
import { mysqlError } from '../plugins/db/errors.ts'
import { ExtensionError } from '../plugins/features/error.ts'
import { foreignStatement } from './ownership.ts'

export type Progress = (line: string) => void
export type History = { owner?: string; folder: string }
type Step = { id: string; hash: string; statement: string; owner: string | undefined }

const KERNEL: History = { folder: join(import.meta.dirname, 'migrations') }
/** Seconds that a killed process delays the next one; a live process renews the lock three times as often. */
const LEASE = 10
const POLL_MS = 250
const NO_SUCH_TABLE = 1146

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
    return await withLock(database, progress, async (renew) => {
      const pending = await pendingSteps(connection, steps)
      for (const step of pending) {
        await renew()
        await apply(connection, step)
      }
      if (pending.length > 0) progress(`${pending.length} migration steps applied`)
      return pending.length
    })
  } finally {
    await connection.end()
  }
}

/** The ids of the steps that `migrate` would apply. @throws when an applied migration was edited */
export async function pendingMigrations(database: ConnectionOptions, extensions: History[] = []) {
  const connection = await connect(database)
  const steps = [KERNEL, ...extensions].flatMap(readSteps)
  const pending = pendingSteps(connection, steps).finally(() => connection.end())
  return (await pending).map(({ id }) => id)
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

function readSteps({ owner, folder }: History): Step[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
  return files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('--> statement-breakpoint')
      .map((statement) => statement.trim())
      .filter(Boolean)
      .map((statement, index) => ({
        id: `${owner ? `${owner}/` : ''}${file}#${index + 1}`,
        hash: createHash('sha256').update(statement).digest('hex'),
        statement,
        owner,
      })),
  )
}

const failure = ({ owner }: Step, message: string, options?: ErrorOptions) =>
  owner ? new ExtensionError(owner, message, options) : new Error(message, options)

async function pendingSteps(connection: Connection, steps: Step[]) {
  const [rows] = await connection
    .query<RowDataPacket[]>('SELECT id, hash, applied_at FROM migrations')
    .catch((error) => {
      if (mysqlError(error)?.errno === NO_SUCH_TABLE) return [[]]
      throw error
    })
  const known = new Map(rows.map((row) => [row.id, row]))
  const edited = steps.find(({ id, hash }) => known.has(id) && known.get(id)?.hash !== hash)
  if (edited) {
    throw failure(
      edited,
      `Migration ${edited.id} was edited after it had been applied. Restore the file and put the change into a new migration (npm run db:generate).`,
    )
  }
  return steps.filter(({ id }) => !known.get(id)?.applied_at)
}

async function apply(connection: Connection, step: Step) {
  const { id, hash, statement, owner } = step
  const reason = owner && foreignStatement(owner, statement)
  if (reason) throw failure(step, `Migration ${id} ${reason}`)
  const [started] = await connection.query<ResultSetHeader>(
    'INSERT IGNORE INTO migrations VALUES (?, ?, UTC_TIMESTAMP(3), NULL)',
    [id, hash],
  )
  const interruptedBefore = started.affectedRows === 0
  try {
    await connection.query(statement)
  } catch (error) {
    if (!(interruptedBefore && isDoneAlready(error))) {
      if (!interruptedBefore && isRefused(error)) await forget(connection, id)
      throw failure(step, `Migration ${id} failed: ${(error as Error).message}`, { cause: error })
    }
  }
  await connection.query('UPDATE migrations SET applied_at = UTC_TIMESTAMP(3) WHERE id = ?', [id])
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

/** Holds the lock over its own connection, so that it is renewed while a statement takes minutes. */
async function withLock<T>(
  database: ConnectionOptions,
  progress: Progress,
  work: (renew: () => Promise<void>) => Promise<T>,
) {
  const connection = await connect(database)
  const token = randomUUID()
  const set = `UPDATE migration_lock SET token = ?, expires_at = UTC_TIMESTAMP(3) + INTERVAL ${LEASE} SECOND WHERE id = 1`
  const update = async (sql: string, values: string[]) => {
    const [result] = await connection.query<ResultSetHeader>(sql, values)
    return result.affectedRows === 1
  }
  const renew = () => update(`${set} AND token = ?`, [token, token])
  const release = () =>
    update(`UPDATE migration_lock SET expires_at = '2000-01-01' WHERE id = 1 AND token = ?`, [
      token,
    ])

  try {
    await take()
    const renewal = setInterval(() => renew().catch(() => {}), (LEASE * 1000) / 3)
    try {
      return await work(async () => {
        if (!(await renew())) throw new Error('Another process has taken over the migration lock.')
      })
    } finally {
      clearInterval(renewal)
      await release()
    }
  } finally {
    await connection.end()
  }

  async function take() {
    const free = `${set} AND expires_at < UTC_TIMESTAMP(3)`
    for (let waits = 0; !(await update(free, [token])); waits++) {
      if (waits === 0) progress('another process is migrating the database; waiting for it')
      await sleep(POLL_MS)
    }
  }
}
