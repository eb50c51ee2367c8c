import type { FastifyInstance } from 'birdhouse'
import { and, asc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm'
import type { Cause } from './causes.ts'

/** Days after which a notification is purged. */
const LIFE = 90
/** Rows per query. */
const ROWS_PER_TRANSACTION = 500

/** Purges old notifications and erases those of deleted accounts, in short transactions. */
export function createRemoval(app: FastifyInstance, reconcile: (cause: Cause) => Promise<void>) {
  const { notificationGroups, notificationItems } = app.tables

  const purge = () =>
    removeGroups(lt(notificationGroups.latestAt, sql`NOW(3) - INTERVAL ${LIFE} DAY`))

  /** Deletes items first, since the foreign key would delete any number of them with a group. */
  async function removeGroups(which: SQL, signal?: AbortSignal) {
    const some = () =>
      app.db
        .select({ id: notificationGroups.id })
        .from(notificationGroups)
        .where(which)
        .limit(ROWS_PER_TRANSACTION)
    for (let rows = await some(); rows.length > 0; rows = await some()) {
      signal?.throwIfAborted()
      const ids = rows.map(({ id }) => id)
      await app.deleteInBatches(notificationItems, inArray(notificationItems.groupId, ids))
      await app.deleteInBatches(notificationGroups, inArray(notificationGroups.id, ids))
    }
  }

  /** Erases the account's notifications, and its items in notifications of others. */
  async function erase(actorId: number, signal: AbortSignal) {
    await removeGroups(eq(notificationGroups.userId, actorId), signal)
    const after = (id: number) =>
      app.db
        .select()
        .from(notificationItems)
        .where(and(eq(notificationItems.actorId, actorId), gt(notificationItems.id, id)))
        .orderBy(asc(notificationItems.id))
        .limit(ROWS_PER_TRANSACTION)
    for (let rows = await after(0); rows.length > 0; rows = await after(rows.at(-1)?.id ?? 0)) {
      for (const { userId, kind, subjectId } of rows) {
        signal.throwIfAborted()
        await reconcile({ userId, kind, actorId, subjectId })
      }
    }
  }

  return { purge, erase }
}
