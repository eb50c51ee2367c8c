import type { FastifyInstance, Tx } from 'birdhouse'
import { and, desc, eq, exists, gt, inArray, isNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/mysql-core'
import type { NotificationKinds } from 'fastify'
import type { Kinds } from './kinds.ts'
import type { About, Kind } from './schemas.ts'

declare module 'fastify' {
  interface EventPayloads {
    /** Emitted when a group is new or gains a person. */
    'notification.created': { notificationId: number; userId: number }
  }
}

/** Hours in which people can join a group; then a new group begins. */
const GROUP_LIFE = 24

/** `userId` is notified of what `actorId` did. */
type Parties = { userId: number; actorId: number }
export type Notice<Name extends Kind> = Parties & NotificationKinds[Name]
/** The columns that identify an item. */
export type Cause = { userId: number; kind: string; actorId: number; subjectId: number }
type NewItem = Cause & { tweetId: number | null; latestId: number }

/** Writes and deletes notifications in the transaction that makes their cause true or false. */
export function createWriting(app: FastifyInstance, kinds: Kinds) {
  const { notificationStates, notificationGroups, notificationItems, tweets, users } = app.tables
  const recipient = alias(users, 'recipient')

  /**
   * Notifies a user, unless the user is the actor, has been notified of the same cause, or a block, mute or
   * deletion separates them. Locks the recipient's notifications until the commit.
   */
  async function emit<Name extends Kind>(tx: Tx, kind: Name, notice: Notice<Name>) {
    const { cause, tweetId } = read(kind, notice)
    if (cause.userId === cause.actorId && !kinds.isOwn(kind)) return
    if (!(await lock(tx, cause.userId))) return
    const [{ affectedRows, insertId }] = await tx.insert(notificationItems).ignore().values(cause)
    if (affectedRows === 0) return
    const item = { ...cause, tweetId, latestId: insertId }
    const groupId = (await joinOpenGroup(tx, item)) ?? (await newGroup(tx, item))
    // The tweet's row is gone.
    if (groupId === undefined) return remove(tx, cause)
    await tx.update(notificationItems).set({ groupId }).where(eq(notificationItems.id, insertId))
    // Checked after the insert: the new group's foreign key holds the tweet.
    if (!(await isWanted(tx, item))) return remove(tx, cause)
    await announce(tx, { notificationId: groupId, userId: cause.userId })
  }

  /** Deletes what `emit` wrote for the same cause. */
  async function withdraw<Name extends Kind>(tx: Tx, kind: Name, notice: Notice<Name>) {
    const { cause } = read(kind, notice)
    if (await lock(tx, cause.userId)) await remove(tx, cause)
  }

  function read(kind: string, { userId, actorId, tweetId, subjectId }: Parties & About) {
    const cause = { userId, kind, actorId, subjectId: subjectId ?? tweetId ?? 0 }
    return { cause, tweetId: tweetId ?? null }
  }

  /**
   * Locks the recipient's notifications until the commit; false without an account. A job that decides by
   * what it reads takes the lock first, so that the job of a later change waits and decides last.
   */
  async function lock(tx: Tx, userId: number) {
    try {
      // Unlike INSERT IGNORE, this takes the write lock at once, which avoids deadlocks.
      await tx
        .insert(notificationStates)
        .values({ userId })
        .onDuplicateKeyUpdate({ set: { userId } })
      return true
    } catch (error) {
      if (app.errors.isMissingParent(error)) return false
      throw error
    }
  }

  /** Locks the notifications of several; returns the accounts that exist. @throws when one is erased meanwhile */
  async function lockAll(tx: Tx, userIds: number[]) {
    const rows = await tx
      .select({ userId: users.id })
      .from(users)
      .where(inArray(users.id, [...new Set(userIds)]))
      .orderBy(users.id)
    if (rows.length > 0)
      await tx
        .insert(notificationStates)
        .values(rows)
        .onDuplicateKeyUpdate({ set: { userId: sql`${notificationStates.userId}` } })
    return new Set(rows.map(({ userId }) => userId))
  }

  /** Adds the item to an unread group of the same kind and tweet, unless the group is a day old. */
  async function joinOpenGroup(tx: Tx, { userId, kind, tweetId, latestId }: NewItem) {
    if (!kinds.isGrouped(kind)) return undefined
    const { id, createdAt, ...columns } = notificationGroups
    const readUpTo = tx
      .select({ readUpTo: notificationStates.readUpTo })
      .from(notificationStates)
      .where(eq(notificationStates.userId, userId))
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

  /** Undefined when the tweet's row is gone. */
  async function newGroup(tx: Tx, { userId, kind, tweetId, latestId }: NewItem) {
    const row = { userId, kind, tweetId, latestId }
    const [{ affectedRows, insertId }] = await tx.insert(notificationGroups).ignore().values(row)
    return affectedRows > 0 ? insertId : undefined
  }

  async function isWanted(tx: Tx, { userId, actorId, tweetId }: NewItem) {
    const shown = tx
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(eq(tweets.id, tweetId ?? 0), isNull(tweets.deletedAt)))
    const [row] = await tx
      .select({ id: users.id })
      .from(users)
      .innerJoin(recipient, and(eq(recipient.id, userId), isNull(recipient.deletedAt)))
      .where(
        and(
          eq(users.id, actorId),
          isNull(users.deletedAt),
          app.graph.notBlocked(userId, users.id),
          app.graph.notMuted(userId, users.id),
          tweetId === null ? undefined : exists(shown),
        ),
      )
    return row !== undefined
  }

  async function announce(tx: Tx, payload: { notificationId: number; userId: number }) {
    const { notificationId: subjectId, userId } = payload
    await app.optional('live')?.emit(tx, 'notification', { userId, subjectId })
    await app.events.emit(tx, 'notification.created', payload)
  }

  /** Needs the lock. */
  async function remove(tx: Tx, { userId, kind, actorId, subjectId }: Cause) {
    const [item] = await tx
      .select()
      .from(notificationItems)
      .where(
        and(
          eq(notificationItems.userId, userId),
          eq(notificationItems.kind, kind),
          eq(notificationItems.actorId, actorId),
          eq(notificationItems.subjectId, subjectId),
        ),
      )
      .for('update')
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

  return { emit, withdraw, lock, lockAll, announce, remove }
}

export type Writing = ReturnType<typeof createWriting>
