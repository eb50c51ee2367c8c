import { createHash } from 'node:crypto'
import type { FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, gt, lte, sql } from 'drizzle-orm'

/** Days for which a handle rests, so that nobody poses as the account that had it. */
const REST = 30
/** Resting handles of one account; further changes free the oldest, so that no account hoards handles. */
const MOST = 3

const hashOf = (handle: string) => createHash('sha256').update(handle).digest()

/** Handles of deleted accounts, and handles that accounts have changed. */
export function createRestingHandles(app: FastifyInstance) {
  const { restingHandles: table } = app.tables

  /** Call this after `userId` has taken the handle: the unique index of `users` makes others wait. */
  async function isResting(tx: Tx, handle: string, userId: number) {
    const resting = and(eq(table.hash, hashOf(handle)), gt(table.until, sql`NOW(3)`))
    const [row] = await tx.select().from(table).where(resting)
    return row !== undefined && row.ownerId !== userId
  }

  /** The account that takes its own handle again no longer rests it. */
  const wake = async (tx: Tx, handle: string) =>
    void (await tx.delete(table).where(eq(table.hash, hashOf(handle))))

  /** `ownerId` may take the handle again; nobody may if it is null. */
  async function rest(tx: Tx, handle: string, ownerId: number | null) {
    const row = { ownerId, until: sql`NOW(3) + INTERVAL ${REST} DAY` }
    await tx
      .insert(table)
      .values({ hash: hashOf(handle), ...row })
      .onDuplicateKeyUpdate({ set: row })
    if (ownerId !== null) await freeOldest(tx, ownerId)
  }

  async function freeOldest(tx: Tx, ownerId: number) {
    const own = await tx
      .select({ hash: table.hash })
      .from(table)
      .where(eq(table.ownerId, ownerId))
      .orderBy(desc(table.until))
    for (const { hash } of own.slice(MOST)) await tx.delete(table).where(eq(table.hash, hash))
  }

  const purge = () => app.deleteInBatches(table, lte(table.until, sql`NOW(3)`))

  return { isResting, wake, rest, purge }
}
