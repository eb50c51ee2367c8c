import type { FastifyInstance, Tx } from 'birdhouse'
import { eq, or } from 'drizzle-orm'

/** Erases an account's follows and corrects the counts, then erases its blocks and mutes. */
export function createGraphErasure(app: FastifyInstance) {
  const { blocks, follows, mutes } = app.tables

  async function eraseFollows(userId: number, signal: AbortSignal) {
    const where = or(eq(follows.followerId, userId), eq(follows.followeeId, userId))
    const onRows = async (tx: Tx, rows: { followerId: number; followeeId: number }[]) => {
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
    }
    await app.deleteInBatches(follows, where, onRows, { signal })
  }

  return async function erase(userId: number, signal: AbortSignal) {
    await eraseFollows(userId, signal)
    const ofBlocks = or(eq(blocks.blockerId, userId), eq(blocks.blockedId, userId))
    await app.deleteInBatches(blocks, ofBlocks)
    await app.deleteInBatches(mutes, or(eq(mutes.muterId, userId), eq(mutes.mutedId, userId)))
  }
}
