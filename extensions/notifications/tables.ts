import { createdAt, id, reference } from 'birdhouse/columns'
import { index, int, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    notificationStates: typeof notificationStates
    notificationGroups: typeof notificationGroups
    notificationItems: typeof notificationItems
    notificationBudgets: typeof notificationBudgets
  }
}

const kind = () => varchar({ length: 60 }).notNull()

const userId = () => reference('users', { onDelete: 'cascade' })
const tweetId = () => reference('tweets', { onDelete: 'cascade' })

/** One row per recipient; changing the recipient's notifications requires its lock. */
export const notificationStates = mysqlTable('notifications_states', {
  userId: userId().primaryKey(),
  /** The id of the newest item that has been read. */
  readUpTo: id().notNull().default(0),
})

/** Items that a client shows as one notification: "5 people like your tweet". */
export const notificationGroups = mysqlTable(
  'notifications_groups',
  {
    id: id().autoincrement().primaryKey(),
    userId: userId().notNull(),
    kind: kind(),
    tweetId: tweetId(),
    /** The id of the group's newest item, by which groups are ordered. */
    latestId: id().notNull(),
    latestAt: createdAt(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('notifications_groups_order').on(t.userId, t.latestId),
    index('notifications_groups_open').on(t.userId, t.kind, t.tweetId, t.id),
    index('notifications_groups_age').on(t.latestAt),
  ],
)

/**
 * One cause. `subjectId` is the tweet that was liked or retweeted, the reply, the tweet that mentions,
 * 0 for a follow, or what another extension's kind is about.
 */
export const notificationItems = mysqlTable(
  'notifications_items',
  {
    id: id().autoincrement().primaryKey(),
    userId: userId().notNull(),
    kind: kind(),
    actorId: userId().notNull(),
    subjectId: id().notNull(),
    /** Read and written by version 0.2 alone, which may run beside this one; 0.4 drops the column. */
    sourceId: id(),
    groupId: id().references(() => notificationGroups.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('notifications_items_cause').on(t.userId, t.kind, t.actorId, t.subjectId),
    index('notifications_items_group').on(t.groupId, t.id),
    index('notifications_items_source').on(t.sourceId),
    index('notifications_items_order').on(t.userId, t.id),
  ],
)

/** How many people who do not follow an author its mentions have notified since then. */
export const notificationBudgets = mysqlTable('notifications_budgets', {
  userId: userId().primaryKey(),
  since: createdAt(),
  spent: int({ unsigned: true }).notNull(),
})
