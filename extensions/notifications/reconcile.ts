import type { FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { type Cause, createCauses } from './causes.ts'
import type { Kind } from './tables.ts'

declare module 'fastify' {
  interface EventPayloads {
    /** Emitted when a group is new or gains a person. */
    'notification.created': { notificationId: number; userId: number }
  }
}

/** Hours in which people can join a group; then a new group begins. */
const GROUP_LIFE = 24
const GROUPED: Kind[] = ['like', 'retweet', 'follow']
/** Rows per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 500

type NewItem = Cause & { tweetId: number | null; latestId: number }

/** Makes the stored notifications match the current state. Every event handler ends here. */
export function createReconciliation(app: FastifyInstance) {
  const { notificationStates, notificationGroups, notificationItems } = app.tables
  const { evidenceOf } = createCauses(app)

  /**
   * Keeps one item for a cause that holds, and none for a cause that does not. Inserts first and
   * checks then: an unlike that commits meanwhile reconciles later and finds the item.
   */
  async function reconcile(cause: Cause) {
    if (cause.userId === cause.actorId) return
    await app.transaction(async (tx) => {
      const readUpTo = await lock(tx, cause.userId)
      if (readUpTo === undefined) return
      const [inserted] = await tx.insert(notificationItems).ignore().values(cause)
      const evidence = await evidenceOf(tx, cause)
      if (!evidence) return removeItem(tx, cause)
      const { tweetId, sourceId } = evidence
      await tx.update(notificationItems).set({ sourceId }).where(same(cause))
      if (inserted.affectedRows > 0) {
        await announce(tx, { ...cause, tweetId, latestId: inserted.insertId }, readUpTo)
      }
    })
  }

  const same = ({ userId, kind, actorId, subjectId }: Cause) =>
    and(
      eq(notificationItems.userId, userId),
      eq(notificationItems.kind, kind),
      eq(notificationItems.actorId, actorId),
      eq(notificationItems.subjectId, subjectId),
    )

  /** Locks the recipient's notifications. Returns `readUpTo`, or undefined without an account. */
  async function lock(tx: Tx, userId: number) {
    // Unlike INSERT IGNORE, this takes the write lock at once, which avoids deadlocks.
    const insert = tx
      .insert(notificationStates)
      .values({ userId })
      .onDuplicateKeyUpdate({ set: { userId } })
    const exists = await insert.then(
      () => true,
      (error) => {
        if (app.errors.isMissingParent(error)) return false
        throw error
      },
    )
    if (!exists) return undefined
    const [state] = await tx
      .select()
      .from(notificationStates)
      .where(eq(notificationStates.userId, userId))
    return state?.readUpTo
  }

  async function announce(tx: Tx, item: NewItem, readUpTo: number) {
    const groupId = (await joinOpenGroup(tx, item, readUpTo)) ?? (await newGroup(tx, item))
    await tx
      .update(notificationItems)
      .set({ groupId })
      .where(eq(notificationItems.id, item.latestId))
    const payload = { notificationId: groupId, userId: item.userId }
    await app.events.emit(tx, 'notification.created', payload)
  }

  /** Adds the item to an unread group of the same kind and tweet, unless the group is a day old. */
  async function joinOpenGroup(tx: Tx, item: NewItem, readUpTo: number) {
    const { userId, kind, tweetId, latestId } = item
    if (!GROUPED.includes(kind)) return undefined
    const { id, createdAt, ...columns } = notificationGroups
    const [group] = await tx
      .select({ id })
      .from(notificationGroups)
      .where(
        and(
          eq(columns.userId, userId),
          eq(columns.kind, kind),
          tweetId === null ? isNull(columns.tweetId) : eq(columns.tweetId, tweetId),
          gt(columns.latestId, readUpTo),
          gt(createdAt, sql`NOW(3) - INTERVAL ${GROUP_LIFE} HOUR`),
        ),
      )
      .orderBy(desc(id))
      .limit(1)
    if (!group) return undefined
    const change = { latestId, latestAt: sql`NOW(3)` }
    await tx.update(notificationGroups).set(change).where(eq(id, group.id))
    return group.id
  }

  async function newGroup(tx: Tx, { userId, kind, tweetId, latestId }: NewItem) {
    const row = { userId, kind, tweetId, latestId }
    const [{ insertId }] = await tx.insert(notificationGroups).values(row)
    return insertId
  }

  async function removeItem(tx: Tx, cause: Cause) {
    const [item] = await tx.select().from(notificationItems).where(same(cause)).for('update')
    if (!item) return
    await tx.delete(notificationItems).where(eq(notificationItems.id, item.id))
    if (item.groupId === null) return
    const group = eq(notificationGroups.id, item.groupId)
    const [newest] = await tx
      .select({ latestId: notificationItems.id, latestAt: notificationItems.createdAt })
      .from(notificationItems)
      .where(eq(notificationItems.groupId, item.groupId))
      .orderBy(desc(notificationItems.id))
      .limit(1)
    // The group returns to its state before this person joined, read mark included.
    if (newest) await tx.update(notificationGroups).set(newest).where(group)
    else await tx.delete(notificationGroups).where(group)
  }

  /** Deletes notifications that a deleted tweet or retweet caused, and reactions to it. */
  async function deleteForTweet(tweetId: number, authorId: number) {
    const said = await app.db
      .select()
      .from(notificationItems)
      .where(eq(notificationItems.sourceId, tweetId))
    for (const { userId, kind, actorId, subjectId } of said) {
      await reconcile({ userId, kind, actorId, subjectId })
    }
    const groups = and(
      eq(notificationGroups.userId, authorId),
      eq(notificationGroups.tweetId, tweetId),
      inArray(notificationGroups.kind, ['like', 'retweet']),
    )
    while (await app.transaction((tx) => deleteSome(tx, authorId, groups)));
  }

  /** Takes the lock, so that a like of the tweet that reconciles at the same time is found. */
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
      .limit(ROWS_PER_TRANSACTION)
    if (deleted.affectedRows === ROWS_PER_TRANSACTION) return true
    await tx.delete(notificationGroups).where(inArray(notificationGroups.id, ids))
    return false
  }

  return { reconcile, deleteForTweet, lock }
}
