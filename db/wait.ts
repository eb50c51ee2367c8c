import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, createConnection } from 'mysql2/promise'
import { mysqlError } from '../plugins/db/errors.ts'
import type { Progress } from './migrate.ts'

// PM2 and the unit for systemd give a start 60 and 120 seconds.
const LIMIT = 45_000
const CONNECT_TIMEOUT = 5_000
const PAUSE = 500
/** Milliseconds between two lines. */
const LINE_EVERY = 5_000

const NOT_YET = new Set(
  'ECONNREFUSED ECONNRESET ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN PROTOCOL_CONNECTION_LOST ER_CON_COUNT_ERROR'.split(
    ' ',
  ),
)

/** Waits while the database does not take connections yet, 45 seconds at most. @throws the last error */
export async function waitForDatabase(database: ConnectionOptions, progress: Progress) {
  const begin = performance.now()
  for (let nextLine = begin; ; ) {
    try {
      const connection = await createConnection({ ...database, connectTimeout: CONNECT_TIMEOUT })
      return await connection.end()
    } catch (error) {
      const code = mysqlError(error)?.code ?? ''
      const left = LIMIT - (performance.now() - begin)
      if (!NOT_YET.has(code) || left <= 0) throw error
      if (performance.now() >= nextLine) {
        progress(`the database is not there (${code}); waiting ${Math.ceil(left / 1000)} s more`)
        nextLine = performance.now() + LINE_EVERY
      }
      await sleep(PAUSE)
    }
  }
}
