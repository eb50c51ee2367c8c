import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import { type AnyColumn, and, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createGraphErasure } from './erasure.ts'
import { addExports } from './exports.ts'
import { createGraphLists } from './lists.ts'

declare module 'fastify' {
  interface FastifyInstance {
    graph: ReturnType<typeof createGraph>
  }
  interface CacheTopics {
    relations: 'user'
  }
  interface EventPayloads {
    'user.followed': { followerId: number; followeeId: number }
    'user.unfollowed': { followerId: number; followeeId: number }
    'user.blocked': { blockerId: number; blockedId: number }
    'user.unblocked': { blockerId: number; blockedId: number }
    'user.muted': { muterId: number; mutedId: number }
    'user.unmuted': { muterId: number; mutedId: number }
  }
}

const UserNotFound = createError(
  'USER_NOT_FOUND',
  'There is no user %s, or the account was deleted.',
  404,
)
const NotYourself = createError(
  'NOT_YOURSELF',
  'You cannot %s yourself; send the id of another user.',
  400,
)
const FollowBlocked = createError(
  'FOLLOW_BLOCKED',
  'You cannot follow this user, because one of you blocks the other.',
  403,
)

function createGraph(app: FastifyInstance) {
  const { blocks, follows, mutes } = app.tables

  app.cache.invalidateOn('relations', {
    'user.followed': ({ followerId }) => [followerId],
    'user.unfollowed': ({ followerId }) => [followerId],
    'user.blocked': ({ blockerId, blockedId }) => [blockerId, blockedId],
    'user.unblocked': ({ blockerId, blockedId }) => [blockerId, blockedId],
    'user.muted': ({ muterId }) => [muterId],
    'user.unmuted': ({ muterId }) => [muterId],
  })

  /** Returns true when the row is new. @throws UserNotFound when either account is deleted */
  async function insertRelation(tx: Tx, insert: Promise<unknown>, userId: number, otherId: number) {
    const isNew = await insert.then(
      () => true,
      (error) => {
        if (app.errors.duplicateKey(error)) return false
        throw app.errors.isMissingParent(error) ? new UserNotFound(otherId) : error
      },
    )
    await app.users.assertExist(tx, [userId, otherId])
    return isNew
  }

  /** Idempotent. @throws NotYourself, UserNotFound, FollowBlocked */
  async function follow(followerId: number, followeeId: number, outer?: Tx) {
    if (followerId === followeeId) throw new NotYourself('follow')
    await app.transaction(async (tx) => {
      const row = { followerId, followeeId }
      const insert = tx.insert(follows).values(row)
      if (!(await insertRelation(tx, insert, followerId, followeeId))) return
      await assertUnblocked(tx, followerId, followeeId)
      await countFollow(tx, row, 1)
      await app.events.emit(tx, 'user.followed', row)
    }, outer)
  }

  /** A locking read, to wait for a concurrent block: the block deletes only follows that it can see. */
  async function assertUnblocked(tx: Tx, a: number, b: number) {
    const pair = (blockerId: number, blockedId: number) =>
      and(eq(blocks.blockerId, blockerId), eq(blocks.blockedId, blockedId))
    const rows = await tx
      .select()
      .from(blocks)
      .where(or(pair(a, b), pair(b, a)))
      .for('update')
    if (rows.length > 0) throw new FollowBlocked()
  }

  type Follow = { followerId: number; followeeId: number }

  const countFollow = (tx: Tx, follow: Follow, change: 1 | -1) =>
    app.users.counts.add(
      tx,
      new Map([
        [follow.followerId, { followees: change }],
        [follow.followeeId, { followers: change }],
      ]),
    )

  async function unfollow(followerId: number, followeeId: number, outer?: Tx) {
    await app.transaction((tx) => removeFollow(tx, { followerId, followeeId }), outer)
  }

  async function removeFollow(tx: Tx, row: Follow) {
    const same = and(eq(follows.followerId, row.followerId), eq(follows.followeeId, row.followeeId))
    const [result] = await tx.delete(follows).where(same)
    if (result.affectedRows === 0) return
    await countFollow(tx, row, -1)
    await app.events.emit(tx, 'user.unfollowed', row)
  }

  /** Deletes the follows in both directions. Idempotent. @throws NotYourself, UserNotFound */
  async function block(blockerId: number, blockedId: number, outer?: Tx) {
    if (blockerId === blockedId) throw new NotYourself('block')
    await app.transaction(async (tx) => {
      const row = { blockerId, blockedId }
      const insert = tx.insert(blocks).values(row)
      if (!(await insertRelation(tx, insert, blockerId, blockedId))) return
      await removeFollow(tx, { followerId: blockerId, followeeId: blockedId })
      await removeFollow(tx, { followerId: blockedId, followeeId: blockerId })
      await app.events.emit(tx, 'user.blocked', row)
    }, outer)
  }

  async function unblock(blockerId: number, blockedId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const row = { blockerId, blockedId }
      const same = and(eq(blocks.blockerId, blockerId), eq(blocks.blockedId, blockedId))
      const [result] = await tx.delete(blocks).where(same)
      if (result.affectedRows === 0) return
      await app.events.emit(tx, 'user.unblocked', row)
    }, outer)
  }

  /** Idempotent. @throws NotYourself, UserNotFound */
  async function mute(muterId: number, mutedId: number, outer?: Tx) {
    if (muterId === mutedId) throw new NotYourself('mute')
    await app.transaction(async (tx) => {
      const row = { muterId, mutedId }
      const insert = tx.insert(mutes).values(row)
      if (!(await insertRelation(tx, insert, muterId, mutedId))) return
      await app.events.emit(tx, 'user.muted', row)
    }, outer)
  }

  async function unmute(muterId: number, mutedId: number, outer?: Tx) {
    await app.transaction(async (tx) => {
      const same = and(eq(mutes.muterId, muterId), eq(mutes.mutedId, mutedId))
      const [result] = await tx.delete(mutes).where(same)
      if (result.affectedRows === 0) return
      await app.events.emit(tx, 'user.unmuted', { muterId, mutedId })
    }, outer)
  }

  /** Returns the ids of the given users whom the user follows. */
  async function followedAmong(userId: number, ids: number[]) {
    const rows = await app.db
      .select({ id: follows.followeeId })
      .from(follows)
      .where(and(eq(follows.followerId, userId), inArray(follows.followeeId, ids)))
    return new Set(rows.map(({ id }) => id))
  }

  /** SQL condition: neither the viewer nor the user in `column` blocks the other. */
  function notBlocked(
    viewerId: number | AnyColumn | undefined,
    column: AnyColumn,
  ): SQL | undefined {
    if (viewerId === undefined) return undefined
    return sql`NOT EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${viewerId} AND blocked_id = ${column})
      AND NOT EXISTS (SELECT 1 FROM ${blocks} WHERE blocker_id = ${column} AND blocked_id = ${viewerId})`
  }

  /** SQL condition: the viewer does not mute the user in `column`. */
  const notMuted = (viewerId: number | AnyColumn, column: AnyColumn) =>
    sql`NOT EXISTS (SELECT 1 FROM ${mutes} WHERE muter_id = ${viewerId} AND muted_id = ${column})`

  return {
    follow,
    unfollow,
    block,
    unblock,
    mute,
    unmute,
    followedAmong,
    notBlocked,
    notMuted,
    ...createGraphLists(app, notBlocked),
  }
}

export default fp(
  async (app) => {
    app.decorate('graph', createGraph(app))
    addExports(app)
    app.users.addEraser(createGraphErasure(app))
  },
  { name: 'graph.service', dependencies: ['users.service'] },
)
