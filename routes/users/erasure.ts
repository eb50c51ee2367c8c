import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { Tx } from '../../plugins/db.ts'

type Counts = { forget: (tx: Tx, ids: number[]) => Promise<void> }
type Eraser = (userId: number) => Promise<void>

/** Erases a deleted account: every feature contributes what it knows of, the account goes last. */
export function createErasure(app: FastifyInstance, counts: Counts) {
  const { users, idempotencyKeys } = app.tables
  const erasers: Eraser[] = []

  /**
   * Adds a step to the erasing of an account. It may run more than once, so it deletes what is
   * there, in small transactions.
   */
  const addEraser = (eraser: Eraser) => void erasers.push(eraser)

  app.events.subscribe('user.deleted', 'users.erase', async ({ userId }, { progress, save }) => {
    const done = typeof progress === 'number' ? progress : 0
    for (const [index, eraser] of erasers.entries()) {
      if (index < done) continue
      await eraser(userId)
      await save(index + 1)
    }
    await app.transaction(async (tx) => {
      await tx.delete(idempotencyKeys).where(eq(idempotencyKeys.userId, userId))
      await tx.delete(users).where(eq(users.id, userId))
      await counts.forget(tx, [userId])
    })
  })

  return { addEraser }
}
