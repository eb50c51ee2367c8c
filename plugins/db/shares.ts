import createError from '@fastify/error'
import type { FastifyBaseLogger } from 'fastify'
import type { Pool, PoolConnection, QueryOptions } from 'mysql2/promise'
import { createGate } from '../gate.ts'
import { isReadOnly } from './errors.ts'
import { currentWork, type ExtensionWork, noteRun } from './extension-work.ts'
import { changedNothing, isRead } from './patience.ts'

/**
 * Concurrent transactions, and concurrent statements besides, of one extension's requests or jobs. Separate
 * numbers, because a transaction may wait for a statement outside of it.
 */
const AT_ONCE = 4
/** Milliseconds that further ones wait; the time bounds their number too. */
const PATIENCE = 5_000
/** Milliseconds of a statement or transaction without a deadline of its own. */
const LONGEST = 30_000

const Busy = createError(
  'EXTENSION_BUSY',
  'The extension %s uses all of its database connections; try again.',
  503,
)
const StatementTooSlow = createError(
  'STATEMENT_TOO_SLOW',
  'A statement or transaction of the extension %s took too long.',
  503,
)

/** True for the errors above, also as the cause of an error. */
export const isOverShare = (error: unknown): error is Error =>
  error instanceof Busy ||
  error instanceof StatementTooSlow ||
  (error instanceof Error && isOverShare(error.cause))

export type Shares = ReturnType<typeof createShares>
type Kind = 'statement' | 'transaction'

/** Bounds how many connections each extension uses, and for how long. */
export function createShares(pool: Pool, log: FastifyBaseLogger) {
  const gates = new Map<string, ReturnType<typeof createGate>>()

  function gateOf({ owner, share }: ExtensionWork, kind: Kind) {
    const key = `${share} ${kind}`
    const gate = gates.get(key) ?? createGate(AT_ONCE, Infinity, () => new Busy(owner), PATIENCE)
    gates.set(key, gate)
    return gate
  }

  /**
   * Runs `use` on a connection. @throws Busy when the extension that runs now uses its share of
   * connections for too long, StatementTooSlow at the extension's deadline
   */
  async function withConnection<T>(kind: Kind, use: (connection: PoolConnection) => Promise<T>) {
    const work = currentWork()
    if (!work) return onConnection(use)
    const pass = gateOf(work, kind)
    return pass(() => onConnection((connection) => useInTime(work, connection, use)))
  }

  async function onConnection<T>(use: (connection: PoolConnection) => Promise<T>) {
    const connection = await pool.getConnection().catch((error) => {
      throw changedNothing(error)
    })
    try {
      return await use(connection)
    } catch (error) {
      if (isReadOnly(error)) connection.destroy()
      throw error
    } finally {
      connection.release()
    }
  }

  async function useInTime<T>(
    work: ExtensionWork,
    connection: PoolConnection,
    use: (connection: PoolConnection) => Promise<T>,
  ) {
    const left = work.end - performance.now()
    if (left <= 0 && work.isLate()) throw new StatementTooSlow(work.owner)
    let timer = left > 0 ? setTimeout(atDeadline, left) : setTimeout(end, LONGEST)
    const { promise: ended, reject } = Promise.withResolvers<never>()

    function atDeadline() {
      if (work.isLate()) end()
      else timer = setTimeout(end, LONGEST)
    }

    /** Closes the connection, which rolls back; the server notices that only after a statement. */
    function end() {
      log.warn(
        { owner: work.owner },
        'a statement or transaction of an extension took too long and was ended',
      )
      const { stream, threadId } = connection.connection as unknown as DriverConnection
      const error = new StatementTooSlow(work.owner)
      reject(error)
      stream.destroy(error)
      pool.query(`KILL ${threadId}`).catch((error) => log.debug({ err: error }, 'KILL failed'))
    }

    try {
      // A transaction may wait for something else than its connection.
      return await Promise.race([use(connection), ended])
    } finally {
      clearTimeout(timer)
      noteRun(work)
    }
  }

  /** A write that found no connection must be known to have changed nothing. */
  const query = ((statement: QueryOptions, values?: unknown[]) =>
    currentWork() || !isRead(statement.sql)
      ? withConnection('statement', (connection) => connection.query(statement, values))
      : pool.query(statement, values)) as Pool['query']
  /** The client for Drizzle. */
  const client: Pool = Object.assign(Object.create(pool), { query, getConnection })

  /** Drizzle's own transactions would get past the shares. */
  async function getConnection() {
    if (currentWork()) throw new Error('Use app.transaction instead of app.db.transaction.')
    return pool.getConnection()
  }

  return { withConnection, client }
}

/** Fields of the driver's connection that its types lack. */
type DriverConnection = { threadId: number; stream: { destroy: (error: Error) => void } }
