import { rows } from '../database.ts'
import type { Bench } from '../setup.ts'

const warmed = new WeakSet<object>()

/** Reads every index once, as the database of a running service has, so that no first read waits for the disk. */
export async function warmDatabase({ pool }: Bench) {
  if (warmed.has(pool)) return
  const indexes = await rows<{ of: string; name: string }>(
    pool,
    `SELECT DISTINCT TABLE_NAME AS \`of\`, INDEX_NAME AS name FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE()`,
  )
  for (const { of, name } of indexes) {
    await pool.query('SELECT COUNT(*) FROM ?? FORCE INDEX (??)', [of, name])
  }
  warmed.add(pool)
}
