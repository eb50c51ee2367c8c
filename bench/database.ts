import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Process } from './processes/ask.ts'

/** Milliseconds that the background work of a round may take. */
const PATIENCE = 120_000

/** The rows of a SELECT; the caller states their type. */
export async function rows<Row>(pool: Pool, sql: string, values: (number | string)[] = []) {
  const [result] = await pool.query<RowDataPacket[]>(sql, values)
  return result as Row[]
}

/** Marks all readers of a URL's database as active, because the data may have been loaded weeks ago. */
export const freshen = (pool: Pool, url: string) =>
  pool.query<ResultSetHeader>(
    `UPDATE ${new URL(url).pathname.slice(1)}.timeline_states SET seen_at = UTC_TIMESTAMP(3)`,
  )

/** Waits for jobs and roll-ups of the last measurement, so that the next one runs alone. */
export async function settle(pool: Pool, service: Process) {
  const limit = performance.now() + PATIENCE
  while (await isAtWork(pool)) {
    if (performance.now() > limit) throw new Error('Jobs are still due after two minutes.')
    await sleep(50)
  }
  // The rest belongs to the bare service and is never run; see bench/lines/capture.ts for its jobs.
  await pool.query('DELETE FROM jobs WHERE run_at > UTC_TIMESTAMP(3) + INTERVAL 300 DAY')
  await pool.query('UPDATE tweets SET undelivered = NULL WHERE undelivered = 1')
  await service.ask({ rollUp: true })
}

async function isAtWork(pool: Pool) {
  const soon = 'run_at < UTC_TIMESTAMP(3) + INTERVAL 10 MINUTE'
  const jobs = `SELECT 1 FROM jobs WHERE unique_key IS NULL AND dead_at IS NULL AND ${soon} LIMIT 1`
  return (await rows(pool, jobs)).length > 0
}

/** Skips the search for hashtags, of which the data have none: it would disturb the measurement. */
export const passOver = (pool: Pool) =>
  pool.query(
    `INSERT INTO hashtags_walks (name, position) SELECT 'catch-up', MAX(id) FROM tweets
     ON DUPLICATE KEY UPDATE position = VALUES(position)`,
  )

/** A counter of the server, see SHOW GLOBAL STATUS. */
export async function statusOf(pool: Pool, name: string) {
  const [row] = await rows<{ Value: string }>(pool, 'SHOW GLOBAL STATUS LIKE ?', [name])
  return Number(row?.Value)
}
