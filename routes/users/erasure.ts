import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import pTimeout from 'p-timeout'
import type { Tx } from '../../plugins/db/client.ts'
import type { JobContext } from '../../plugins/jobs/types.ts'

type Counts = { erase: (tx: Tx, ids: number[]) => Promise<void> }
type Eraser = (userId: number, signal: AbortSignal) => Promise<void>

/** Seconds; an hour is enough for a hundred thousand tweets, and what is left is gone on with. */
const TIMEOUT = 3600
/** Milliseconds an extension's step gets in one run, so that one that hangs holds no place for long. */
const EXTENSION_LIMIT = 60_000

/** Erases a deleted account: every feature contributes what it knows of, the account goes last. */
export function createErasure(app: FastifyInstance, counts: Counts) {
  const { users, idempotencyKeys } = app.tables
  const erasers: { eraser: Eraser; limit: number }[] = []

  /**
   * Adds a step to the erasing of an account. It may run more than once, so it deletes what is
   * there, in small transactions, and stops between two of them when `signal` aborts. One that fails
   * keeps no other from running; all run again later.
   */
  function addEraser(eraser: Eraser) {
    const limit = app.features.current().extension ? EXTENSION_LIMIT : TIMEOUT * 1000
    erasers.push({ eraser, limit })
  }

  async function erase({ userId }: { userId: number }, { signal }: JobContext) {
    const failures: unknown[] = []
    for (const { eraser, limit } of erasers) {
      const erasing = Promise.try(eraser, userId, signal)
      await pTimeout(erasing, { milliseconds: limit }).catch((error) => failures.push(error))
      signal.throwIfAborted()
    }
    if (failures.length > 0) throw new AggregateError(failures, String(failures[0]))
    await app.deleteInBatches(idempotencyKeys, eq(idempotencyKeys.userId, userId))
    await app.transaction(async (tx) => {
      await tx.delete(users).where(eq(users.id, userId))
      await counts.erase(tx, [userId])
    })
  }

  // Never given up: whoever deletes an account has a right to it.
  const options = { maxAttempts: Number.POSITIVE_INFINITY, timeout: TIMEOUT }
  app.events.subscribe('user.deleted', 'users.erase', erase, options)

  return { addEraser }
}
