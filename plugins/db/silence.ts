import type { FastifyBaseLogger } from 'fastify'
import type { Connection, Pool, PoolConnection } from 'mysql2/promise'
import { isBusy } from './errors.ts'

/**
 * Milliseconds without an answer after which the server is asked whether it still works on a statement. A
 * host that vanishes sends no word: the kernel would wait 15 minutes for it.
 */
const SILENCE = 4_000
/** Milliseconds for that question. */
const PATIENCE = 3_000

/** Fields of the driver's connection that its types lack. */
type DriverConnection = Connection & {
  threadId: number
  _command: unknown
  stream: {
    setTimeout: (milliseconds: number) => void
    on: (event: 'timeout' | 'close', listener: () => void) => void
    destroy: (error: Error) => void
  }
}

/**
 * Destroys connections whose server is gone without a word, so that their statements fail and new
 * connections are made. A long statement goes on: the server says, over a connection of its own, that it
 * runs. @param ask opens that connection
 */
export function watchSilence(pool: Pool, ask: () => Promise<Connection>, log: FastifyBaseLogger) {
  const idle = new Set<DriverConnection>()
  pool.on('release', (connection) => idle.add(connection as unknown as DriverConnection))
  pool.on('acquire', (connection) => idle.delete(connection as unknown as DriverConnection))

  async function isRunning(threadId: number) {
    const connection = await ask()
    try {
      const [rows] = await connection.query(
        `SELECT 1 FROM information_schema.processlist WHERE id = ${threadId} AND command <> 'Sleep'`,
      )
      return (rows as unknown[]).length > 0
    } finally {
      connection.destroy()
    }
  }

  async function judge(connection: DriverConnection) {
    const statement = connection._command
    const late = new Promise<false>((resolve) => setTimeout(resolve, PATIENCE, false).unref())
    const isAlive = await Promise.race([isRunning(connection.threadId), late]).catch(isBusy)
    if (connection._command !== statement) return
    if (isAlive) return connection.stream.setTimeout(SILENCE)
    log.warn({ idle: idle.size }, 'the database has lost a connection without a word')
    // The others that nobody has used since are lost as well; each would cost its user as much time.
    for (const lost of [connection, ...idle]) {
      lost.stream.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
    }
    idle.clear()
  }

  return function watch(connection: PoolConnection) {
    const driver = connection as unknown as DriverConnection
    driver.stream.setTimeout(SILENCE)
    // The pool closes connections that are idle for long.
    driver.stream.on('close', () => idle.delete(driver))
    // Emitted once per silence; the next byte in either direction starts the clock again.
    driver.stream.on('timeout', () => {
      if (driver._command) judge(driver).catch((err) => log.error({ err }, 'no judgement'))
    })
  }
}
