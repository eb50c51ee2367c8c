import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Pool, PoolConnection } from 'mysql2/promise'
import type { Tx } from './client.ts'
import { isConflict, isUnavailable, mysqlError } from './errors.ts'
import { preparedBy } from './prepared.ts'
import { createSession, type Session, type Statement, type Works } from './session.ts'

const MAX_ATTEMPTS = 6

/** MySQL would commit the outer one without a word. */
const nested = () => {
  throw new Error('A transaction within another: pass `tx` on, as the last argument of a service.')
}

/** Statements that a transaction runs at its end, and hooks that run after its commit. */
type Ending = { statements: (() => Statement)[]; hooks: (() => void)[] }
const endings = new WeakMap<Tx, Ending>()
const sessions = new WeakMap<Tx, Session>()
type Results<W extends Works> = { [N in keyof W]: Awaited<ReturnType<W[N]>> }

/**
 * Sends statements of a transaction in one round trip, in this order. Each `work` issues one statement,
 * synchronously, on the database it is given. When one fails, the later ones do not run, and all reject.
 * @throws Error outside of a transaction, and for a statement that is issued later
 */
export function batch<W extends Works>(tx: Tx, ...works: W) {
  const session = sessions.get(tx)
  if (!session) throw new Error('A batch needs a transaction.')
  // One result per work, in their order.
  return session.batch(works) as Promise<unknown> as Promise<Results<W>>
}

/** Runs a hook once the transaction has committed; a rollback discards the hook. */
export function afterCommit(tx: Tx, hook: () => void) {
  endings.get(tx)?.hooks.push(hook)
}

/**
 * Collects rows for one INSERT, sent with the COMMIT of the transaction: rows that the transaction
 * itself never reads need no round trip.
 * @throws Error outside of a transaction, or after its end
 */
export function beforeCommit<Row>(toStatement: (rows: Row[]) => Statement) {
  const waiting = new WeakMap<Tx, Row[]>()
  return (tx: Tx, rows: Row[]) => {
    if (rows.length === 0) return
    const ending = endings.get(tx)
    if (!ending)
      throw new Error(
        'Write this within a transaction and before it ends: await every call inside of it.',
      )
    const known = waiting.get(tx)
    if (known) return void known.push(...rows)
    const own = [...rows]
    waiting.set(tx, own)
    ending.statements.push(() => toStatement(own))
  }
}

export type Transaction = ReturnType<typeof createTransaction>

export function createTransaction(pool: Pool, log: FastifyBaseLogger) {
  const byConnection = new WeakMap<object, Session>()

  /**
   * Runs `work` in a transaction, or inside the caller's when one is given. After a deadlock or a
   * lock wait timeout the whole of it is rolled back and run again, at most five times with
   * growing random pauses, in the outermost call alone; so `work` must have no other side effect.
   */
  return async function transaction<T>(work: (tx: Tx) => Promise<T>, outer?: Tx): Promise<T> {
    if (outer) return work(outer)
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(work)
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isConflict(error)) throw error
        log.debug({ attempt, code: mysqlError(error)?.code }, 'transaction runs again')
        await sleep(Math.random() * 10 * 2 ** attempt)
      }
    }
  }

  async function once<T>(work: (tx: Tx) => Promise<T>) {
    const connection = await pool.getConnection()
    const session = sessionOf(connection)
    const { tx, ending } = begin(session)
    try {
      const result = await work(tx)
      endings.delete(tx)
      await session.end(ending.statements.map((statement) => statement()))
      for (const hook of ending.hooks) runHook(hook)
      return result
    } catch (error) {
      // One that may still be inside the transaction is not given to anyone else.
      if (isUnavailable(error) && !isConflict(error)) connection.destroy()
      else await session.rollBack().catch(() => connection.destroy())
      throw error
    } finally {
      endings.delete(tx)
      connection.release()
    }
  }

  /** An object of its own for each transaction, by which others know it. */
  function begin(session: Session) {
    const { db } = session
    session.start()
    const tx = Object.assign(Object.create(db), { transaction: nested }) as Tx
    const ending: Ending = { statements: [], hooks: [] }
    endings.set(tx, ending)
    preparedBy.set(tx, db)
    sessions.set(tx, session)
    return { tx, ending }
  }

  function sessionOf(connection: PoolConnection) {
    const key = connection.connection
    const session = byConnection.get(key) ?? createSession(key)
    byConnection.set(key, session)
    return session
  }

  /** What has committed has succeeded, whatever a hook makes of it. */
  function runHook(hook: () => void) {
    try {
      hook()
    } catch (error) {
      log.error({ err: error }, 'a hook after the commit failed')
    }
  }
}
