import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { isAway, isConflict, isRefused } from './errors.ts'

/** Milliseconds that work waits for a database that has gone; a cluster has another primary within 7 s. */
export const PATIENCE = 10_000
/** Milliseconds between two attempts, on average. */
const PAUSE = 100

export type Patience = ReturnType<typeof createPatience>
type Attempt<Value> = () => Promise<Value>

const harmless = new WeakSet<object>()

/** Marks an error after which nothing of its statement or transaction can be in the database. */
export function changedNothing(error: unknown) {
  if (error instanceof Error) harmless.add(error)
  return error
}

const isUndone = (error: unknown) =>
  isRefused(error) || (error instanceof Error && harmless.has(error))

export const isRead = (sql: string) => /^[\s(]*(select|with)\b/i.test(sql)

/**
 * Repeats work while the database is away, where a repetition is safe: reads, and writes that have certainly not been
 * committed. Each waits for `patience` milliseconds at most. When the database has been away for that long, work fails at
 * once, so that requests do not pile up.
 */
export function createPatience(patience = PATIENCE) {
  function createRetry(mayRepeat: (error: unknown) => boolean) {
    let awaySince: number | undefined
    return async function retry<Value>(attempt: Attempt<Value>): Promise<Value> {
      for (let end = Number.POSITIVE_INFINITY; ; ) {
        try {
          const value = await attempt()
          awaySince = undefined
          return value
        } catch (error) {
          if (!mayRepeat(error)) throw error
          const now = performance.now()
          awaySince ??= now
          end = Math.min(end, now + patience, awaySince + patience)
          if (now >= end) throw error
        }
        await sleep(PAUSE * (0.5 + Math.random()))
      }
    }
  }

  // Apart: a server that has become read-only still answers reads. A plain read conflicts with nothing, but a node of Galera that
  // cannot catch up says so.
  const read = createRetry((error) => isAway(error) || isConflict(error))
  const write = createRetry((error) => isAway(error) && isUndone(error))

  /** A client for Drizzle, which calls no other method for a statement outside of a transaction. */
  function patient(client: Pool) {
    const query = (statement: QueryOptions, values?: unknown[]) =>
      (isRead(statement.sql) ? read : write)(() => client.query(statement, values))
    return Object.assign(Object.create(client), { query }) as Pool
  }

  return { patient, transaction: write }
}
