import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, ResultSetHeader } from 'mysql2/promise'

/** Seconds that a killed process delays the next one; a live process renews the lock three times as often. */
const LEASE = 10
const POLL_MS = 250

/** Holds the lock by a connection for nothing else, so that it is renewed while a statement takes minutes. */
export async function withLock<T>(
  connection: Connection,
  progress: (line: string) => void,
  work: (renew: () => Promise<void>) => Promise<T>,
) {
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

  async function take() {
    const free = `${set} AND expires_at < UTC_TIMESTAMP(3)`
    for (let waits = 0; !(await update(free, [token])); waits++) {
      if (waits === 0) progress('another process is migrating the database; waiting for it')
      await sleep(POLL_MS)
    }
  }
}
