import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { PoolConnection } from 'mysql2/promise'
import type { Tx } from './client.ts'
import { isConflict, isUnavailable, mysqlError } from './errors.ts'
import { outsideExtensions } from './extension-work.ts'
import { changedNothing, type Patience } from './patience.ts'
import { preparedBy } from './prepared.ts'
import { createSession, type Session, type Statement, type Works } from './session.ts'
import type { Shares } from './shares.ts'

const MAX_ATTEMPTS = 6

/** MySQL would silently commit the outer transaction. */
const nested = () => {
  throw new Error(
    'A transaction cannot begin within another: pass `tx` as the last argument of the service.',
  )
}

type Ending = { statements: (() => Statement)[]; hooks: (() => void)[] }
const endings = new WeakMap<Tx, Ending>()
const sessions = new WeakMap<Tx, Session>()
type Results<W extends Works> = { [N in keyof W]: Awaited<ReturnType<W[N]>> }

/**
 * Sends statements of a transaction in one round trip, in this order. Each `work` synchronously issues
 * one statement on the database that it receives. When a statement fails, the later ones do not run, and
 * all reject.
 * @throws Error outside of a transaction, and for a statement that is not issued synchronously
 */
export function batch<W extends Works>(tx: Tx, ...works: W) {
  const session = sessions.get(tx)
  if (!session) throw new Error('A batch needs a transaction.')
  // One result per work, in their order.
  return session.batch(works) as Promise<unknown> as Promise<Results<W>>
}

/** Runs a hook after the transaction has committed; a rollback discards the hook. */
export function afterCommit(tx: Tx, hook: () => void) {
  endings.get(tx)?.hooks.push(hook)
}

/**
 * Collects rows for one INSERT that is sent with the COMMIT, which saves a round trip. The transaction
 * cannot read these rows.
 * @throws Error outside of a transaction, or after its end
 */
export function beforeCommit<Row>(toStatement: (rows: Row[]) => Statement) {
  const waiting = new WeakMap<Tx, Row[]>()
  return (tx: Tx, rows: Row[]) => {
    if (rows.length === 0) return
    const ending = endings.get(tx)
    if (!ending)
      throw new Error(
        'The transaction has ended or never began: await every write inside of `app.transaction`.',
      )
    const known = waiting.get(tx)
    if (known) return void known.push(...rows)
    const own = [...rows]
    waiting.set(tx, own)
    ending.statements.push(() => toStatement(own))
  }
}

export type Transaction = ReturnType<typeof createTransaction>

export function createTransaction(
  { withConnection }: Shares,
  patience: Patience,
  log: FastifyBaseLogger,
) {
  const byConnection = new WeakMap<object, Session>()

  /**
   * Runs `work` in a transaction, or in `outer` when the caller passes its own. After a deadlock or a lock
   * wait timeout the outermost call rolls back and runs `work` again, at most five times, after a random
   * pause of up to 20 ms, 40 ms and so on. While the database is away `work` is run again as well, unless the
   * COMMIT was sent and not answered. `work` must therefore have no other side effects.
   */
  return async function transaction<T>(work: (tx: Tx) => Promise<T>, outer?: Tx): Promise<T> {
    if (outer) return work(outer)
    return patience.transaction(() => withoutConflict(work))
  }

  async function withoutConflict<T>(work: (tx: Tx) => Promise<T>) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await withConnection('transaction', (connection) => once(work, connection))
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !isConflict(error)) throw error
        log.debug({ attempt, code: mysqlError(error)?.code }, 'running a transaction again')
        await sleep(Math.random() * 10 * 2 ** attempt)
      }
    }
  }

  async function once<T>(work: (tx: Tx) => Promise<T>, connection: PoolConnection) {
    const session = sessionOf(connection)
    const { tx, ending } = begin(session)
    let mayBeCommitted = false
    try {
      const result = await work(tx)
      endings.delete(tx)
      mayBeCommitted = true
      await session.end(ending.statements.map((statement) => statement()))
      if (ending.hooks.length > 0) outsideExtensions(() => ending.hooks.forEach(runHook))
      return result
    } catch (error) {
      // A connection that may still be inside the transaction must not be reused.
      if (isUnavailable(error) && !isConflict(error)) connection.destroy()
      else await session.rollBack().catch(() => connection.destroy())
      throw mayBeCommitted ? error : changedNothing(error)
    } finally {
      endings.delete(tx)
    }
  }

  /** Creates a distinct object per transaction, so that maps can use it as their key. */
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

  /** A hook that fails must not fail a transaction that has committed. */
  function runHook(hook: () => void) {
    try {
      hook()
    } catch (error) {
      log.error({ err: error }, 'an afterCommit hook failed')
    }
  }
}
