import { bytes32, createdAt, id, reference, text, time } from 'birdhouse/columns'
import { sql } from 'drizzle-orm'
import { index, int, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core'

/** In ascending order of rights. */
export type Role = 'user' | 'moderator' | 'admin'

declare module 'fastify' {
  interface Tables {
    users: typeof users
    userCounts: typeof userCounts
    userCountDeltas: typeof userCountDeltas
    restingHandles: typeof restingHandles
  }
}

/**
 * A deleted account keeps its row with `deletedAt` set, without e-mail, handle and password, until a job
 * has erased the account. The e-mail address is free at once, the handle rests in `restingHandles`. Reads look at
 * `hiddenAt`, which is set for a deleted account, a suspended one, and one that waits for its approval.
 */
export const users = mysqlTable(
  'users',
  {
    id: id().autoincrement().primaryKey(),
    handle: text({ length: 30 }),
    email: text({ length: 254 }),
    name: text({ length: 50 }).notNull(),
    profile: text({ length: 2000 }).notNull(),
    passwordHash: text({ length: 255 }).notNull(),
    avatarKey: text({ length: 64 }),
    headerKey: text({ length: 64 }),
    createdAt: createdAt(),
    deletedAt: time(),
    role: text({ length: 10 }).$type<Role>().notNull().default('user'),
    suspendedAt: time(),
    /** Tweets of a limited account are seen by its followers alone. */
    limitedAt: time(),
    /** Set until a moderator approves the account. */
    waitingSince: time(),
    hiddenAt: time().generatedAlwaysAs(sql`COALESCE(deleted_at, suspended_at, waiting_since)`),
  },
  (t) => [
    uniqueIndex('users_handle').on(t.handle),
    uniqueIndex('users_email').on(t.email),
    index('users_avatar_key').on(t.avatarKey),
    index('users_header_key').on(t.headerKey),
    index('users_role').on(t.role),
    index('users_waiting').on(t.waitingSince),
  ],
)

/**
 * SHA-256 of handles that nobody may take until `until`, but the account that gave them up, if it still exists.
 */
export const restingHandles = mysqlTable(
  'resting_handles',
  {
    hash: bytes32().primaryKey(),
    ownerId: reference('users', { onDelete: 'set null' }),
    until: time().notNull(),
  },
  (t) => [
    index('resting_handles_owner').on(t.ownerId, t.until),
    index('resting_handles_until').on(t.until),
  ],
)

export const userCounts = mysqlTable('user_counts', {
  userId: id().primaryKey(),
  followers: int().notNull().default(0),
  followees: int().notNull().default(0),
  tweets: int().notNull().default(0),
})

export const userCountDeltas = mysqlTable(
  'user_count_deltas',
  {
    userId: id().notNull(),
    id: id().notNull().autoincrement(),
    followers: int().notNull().default(0),
    followees: int().notNull().default(0),
    tweets: int().notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.userId, t.id] }), uniqueIndex('user_count_deltas_id').on(t.id)],
)
