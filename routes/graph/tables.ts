import { createdAt, id, reference } from 'birdhouse/columns'
import { index, mysqlTable, primaryKey, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    follows: typeof follows
    blocks: typeof blocks
    mutes: typeof mutes
  }
}

const userId = () => reference('users').notNull()

export const follows = mysqlTable(
  'follows',
  {
    followerId: userId(),
    followeeId: userId(),
    id: id().notNull().autoincrement(),
    createdAt: createdAt(),
    /** How the followee's tweets reach the follower's timeline; see routes/timeline/delivery.ts. */
    delivery: tinyint().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.followerId, t.followeeId] }),
    uniqueIndex('follows_id').on(t.id),
    index('follows_follower').on(t.followerId, t.id),
    index('follows_followee').on(t.followeeId, t.id),
    index('follows_fan_out').on(t.followeeId, t.delivery, t.followerId),
    index('follows_merged').on(t.followerId, t.delivery, t.followeeId),
  ],
)

export const blocks = mysqlTable(
  'blocks',
  {
    blockerId: userId(),
    blockedId: userId(),
    id: id().notNull().autoincrement(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.blockerId, t.blockedId] }),
    uniqueIndex('blocks_id').on(t.id),
    index('blocks_blocker').on(t.blockerId, t.id),
    index('blocks_blocked').on(t.blockedId, t.blockerId),
  ],
)

export const mutes = mysqlTable(
  'mutes',
  {
    muterId: userId(),
    mutedId: userId(),
    id: id().notNull().autoincrement(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.muterId, t.mutedId] }),
    uniqueIndex('mutes_id').on(t.id),
    index('mutes_muter').on(t.muterId, t.id),
    index('mutes_muted').on(t.mutedId),
  ],
)
