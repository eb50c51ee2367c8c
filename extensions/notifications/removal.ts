import type { FastifyInstance, Tx } from 'birdhouse'
import { and, asc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm'
import type { Writing } from './writing.ts'

/** Days after which a notification is purged. */
const LIFE = 90
/** Rows per query and per transaction; keeps locks short. */
const ROWS = 500

/** Deletes the notifications of a tweet, purges old ones and erases those of deleted accounts. */
export function createRemoval(app: FastifyInstance, { lock, remove }: Writing) {
  const { notificationGroups, notificationItems } = app.tables

  /** Deletes every notification that shows a deleted tweet. */
  async function deleteForTweet(tweetId: number) {
    const ofTweet = eq(notificationGroups.tweetId, tweetId)
    const recipients = await app.db
      .selectDistinct({ userId: notificationGroups.userId })
      .from(notificationGroups)
      .where(ofTweet)
    for (const { userId } of recipients) {
      const groups = and(eq(notificationGroups.userId, userId), ofTweet)
      while (await app.transaction((tx) => deleteSome(tx, userId, groups)));
    }
  }

  /** Takes the lock, so that a like of the tweet that is being written is found. */
  async function deleteSome(tx: Tx, userId: number, which: SQL | undefined) {
    await lock(tx, userId)
    const rows = await tx
      .select({ id: notificationGroups.id })
      .from(notificationGroups)
      .where(which)
    if (rows.length === 0) return false
    const ids = rows.map(({ id }) => id)
    const [deleted] = await tx
      .delete(notificationItems)
      .where(inArray(notificationItems.groupId, ids))
      .limit(ROWS)
    if (deleted.affectedRows === ROWS) return true
    await tx.delete(notificationGroups).where(inArray(notificationGroups.id, ids))
    return false
  }

  const purge = () =>
    removeGroups(lt(notificationGroups.latestAt, sql`NOW(3) - INTERVAL ${LIFE} DAY`))

  /** Deletes items first, since the foreign key would delete any number of them with a group. */
  async function removeGroups(which: SQL, signal?: AbortSignal) {
    const some = () =>
      app.db.select({ id: notificationGroups.id }).from(notificationGroups).where(which).limit(ROWS)
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
        .limit(ROWS)
    for (let rows = await after(0); rows.length > 0; rows = await after(rows.at(-1)?.id ?? 0)) {
      for (const item of rows) {
        signal.throwIfAborted()
        await app.transaction(async (tx) => {
          if (await lock(tx, item.userId)) await remove(tx, item)
        })
      }
    }
  }

  return { deleteForTweet, purge, erase }
}
