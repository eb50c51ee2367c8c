import type { FastifyInstance } from 'birdhouse'
import { eq, inArray, or } from 'drizzle-orm'

/** Rows deleted per transaction; keeps locks short. */
const ROWS_PER_TRANSACTION = 200

/** Erases an account's follows and corrects the counts, then erases its blocks and mutes. */
export function createGraphErasure(app: FastifyInstance) {
  const { blocks, follows, mutes } = app.tables

  async function eraseFollows(userId: number) {
    return app.transaction(async (tx) => {
      const rows = await tx
        .select()
        .from(follows)
        .where(or(eq(follows.followerId, userId), eq(follows.followeeId, userId)))
        .limit(ROWS_PER_TRANSACTION)
        .for('update')
      if (rows.length === 0) return 0
      const ids = rows.map(({ id }) => id)
      await tx.delete(follows).where(inArray(follows.id, ids))
      app.cache.invalidate(
        tx,
        'relations',
        rows.map(({ followerId }) => followerId),
      )
      const follower = rows.filter((row) => row.followeeId === userId)
      const followee = rows.filter((row) => row.followerId === userId)
      await app.users.counts.add(
        tx,
        new Map(follower.map((row) => [row.followerId, { followees: -1 }])),
      )
      await app.users.counts.add(
        tx,
        new Map(followee.map((row) => [row.followeeId, { followers: -1 }])),
      )
      return rows.length
    })
  }

  return async function erase(userId: number, signal: AbortSignal) {
    while ((await eraseFollows(userId)) > 0) signal.throwIfAborted()
    const ofBlocks = or(eq(blocks.blockerId, userId), eq(blocks.blockedId, userId))
    await app.deleteInBatches(blocks, ofBlocks)
    await app.deleteInBatches(mutes, or(eq(mutes.muterId, userId), eq(mutes.mutedId, userId)))
  }
}
