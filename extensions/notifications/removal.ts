import type { FastifyInstance, Tx } from 'birdhouse'
import { and, asc, eq, gt, inArray, lt, lte, max, type SQL, sql } from 'drizzle-orm'
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

  /** Deletes the user's notifications of these kinds; those that arrive meanwhile stay. */
  async function clear(userId: number, of: string[]) {
    const ofUser = eq(notificationGroups.userId, userId)
    const [row] = await app.db
      .select({ newest: max(notificationGroups.latestId) })
      .from(notificationGroups)
      .where(ofUser)
    const upTo = lte(notificationGroups.latestId, row?.newest ?? 0)
    const groups = and(ofUser, upTo, inArray(notificationGroups.kind, of))
    while (await app.transaction((tx) => deleteSome(tx, userId, groups)));
  }

  /** Deletes a notification; false if the user has no such one. */
  async function dismiss(id: number, userId: number) {
    const group = and(eq(notificationGroups.userId, userId), eq(notificationGroups.id, id))
    const found = await app.db
      .select({ id: notificationGroups.id })
      .from(notificationGroups)
      .where(group)
    while (await app.transaction((tx) => deleteSome(tx, userId, group)));
    return found.length > 0
  }

  /** Deletes one cause; false if the user has no such one. */
  const dismissCause = (id: number, userId: number) =>
    app.transaction(async (tx) => {
      await lock(tx, userId)
      const own = and(eq(notificationItems.userId, userId), eq(notificationItems.id, id))
      const [item] = await tx.select().from(notificationItems).where(own)
      if (item) await remove(tx, item)
      return item !== undefined
    })

  /** Takes the lock, so that a like of the tweet that is being written is found. */
  async function deleteSome(tx: Tx, userId: number, which: SQL | undefined) {
    await lock(tx, userId)
    const rows = await tx
      .select({ id: notificationGroups.id })
      .from(notificationGroups)
      .where(which)
      .limit(ROWS)
    if (rows.length === 0) return false
    const ids = rows.map(({ id }) => id)
    const [deleted] = await tx
      .delete(notificationItems)
      .where(inArray(notificationItems.groupId, ids))
      .limit(ROWS)
    if (deleted.affectedRows === ROWS) return true
    await tx.delete(notificationGroups).where(inArray(notificationGroups.id, ids))
    return rows.length === ROWS
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

  return { deleteForTweet, clear, dismiss, dismissCause, purge, erase }
}
