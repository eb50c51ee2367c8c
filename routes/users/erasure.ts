import type { FastifyInstance, JobContext, Tx } from 'birdhouse'
import { and, eq, isNotNull } from 'drizzle-orm'

type Counts = { erase: (tx: Tx, ids: number[]) => Promise<void> }
type Eraser = (userId: number, signal: AbortSignal) => Promise<void>

/** Seconds per run: enough for 100,000 tweets. The next run continues with the rest. */
const TIMEOUT = 3600
/** Milliseconds per run for an extension's step, so that a hanging step does not block a worker for long. */
const EXTENSION_LIMIT = 60_000

/** Erases a deleted account: runs the steps of all features, then deletes the row of the account. */
export function createErasure(app: FastifyInstance, counts: Counts) {
  const { users, idempotencyKeys, jobs } = app.tables
  const erasers: { eraser: Eraser; limit: number }[] = []

  /**
   * Adds a step that erases an account's rows. A step may run more than once: it deletes the rows that
   * are left, in small transactions, and stops between two transactions when `signal` aborts. When a
   * step fails, the other steps still run, and all steps run again later. A step of an extension may
   * take 60 seconds per run, a step of a built-in feature an hour.
   */
  function addEraser(eraser: Eraser) {
    const limit = app.features.current().extension ? EXTENSION_LIMIT : TIMEOUT * 1000
    erasers.push({ eraser: app.features.own(eraser, limit, 'jobs'), limit })
  }

  async function erase({ userId }: { userId: number }, { signal }: JobContext) {
    const failures: unknown[] = []
    for (const { eraser, limit } of erasers) {
      const erasing = Promise.try(eraser, userId, signal)
      await app.inTime(erasing, limit).catch((error) => failures.push(error))
      signal.throwIfAborted()
    }
    if (failures.length > 0) throw new AggregateError(failures, String(failures[0]))
    await app.deleteInBatches(idempotencyKeys, eq(idempotencyKeys.userId, userId))
    await app.deleteInBatches(jobs, and(eq(jobs.account, userId), isNotNull(jobs.deadAt)))
    await app.transaction(async (tx) => {
      await tx.delete(users).where(eq(users.id, userId))
      await counts.erase(tx, [userId])
    })
  }

  // Erasure is a legal right of the user (GDPR, article 17), so the job never stops retrying.
  const options = { maxAttempts: Number.POSITIVE_INFINITY, timeout: TIMEOUT }
  app.events.subscribe('user.deleted', 'users.erase', erase, options)

  return { addEraser }
}
