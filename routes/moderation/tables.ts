import { createdAt, id, reference, text, time } from 'birdhouse/columns'
import { index, mysqlTable, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    moderationActs: typeof moderationActs
    moderationReasons: typeof moderationReasons
    moderationReports: typeof moderationReports
    moderationAppeals: typeof moderationAppeals
  }
}

/**
 * The audit log. Rows are inserted, never updated or deleted. They hold ids and codes alone, without foreign
 * keys, so that they outlive the accounts and say nothing of a person once the account is erased.
 */
export const moderationActs = mysqlTable(
  'moderation_acts',
  {
    id: id().autoincrement().primaryKey(),
    /** Null for an act on the command line. */
    actorId: id(),
    act: text({ length: 30 }).notNull(),
    targetKind: text({ length: 20 }).notNull(),
    targetId: id().notNull(),
    /** The account whose owner the act concerns. */
    accountId: id(),
    createdAt: createdAt(),
  },
  (t) => [
    index('moderation_acts_account').on(t.accountId, t.id),
    index('moderation_acts_actor').on(t.actorId, t.id),
  ],
)

/** Reasons are text about a person, so they are deleted with the account that they concern. */
export const moderationReasons = mysqlTable(
  'moderation_reasons',
  {
    actId: id().primaryKey(),
    accountId: id(),
    reason: text({ length: 1000 }).notNull(),
  },
  (t) => [index('moderation_reasons_account').on(t.accountId)],
)

export const moderationReports = mysqlTable(
  'moderation_reports',
  {
    id: id().autoincrement().primaryKey(),
    reporterId: reference('users', { onDelete: 'cascade' }).notNull(),
    targetKind: text({ length: 20 }).notNull(),
    targetId: id().notNull(),
    /** The account that is reported, or whose tweet or picture is. */
    accountId: reference('users', { onDelete: 'cascade' }).notNull(),
    category: text({ length: 20 }).notNull(),
    text: text({ length: 1000 }).notNull(),
    createdAt: createdAt(),
    /** 1 until a moderator closes the report, then NULL. */
    open: tinyint().default(1),
    closedAt: time(),
    actId: id(),
  },
  (t) => [
    uniqueIndex('moderation_reports_once').on(t.reporterId, t.targetKind, t.targetId, t.open),
    index('moderation_reports_open').on(t.open, t.id),
    index('moderation_reports_account').on(t.accountId, t.open),
  ],
)

/** One appeal for each act. */
export const moderationAppeals = mysqlTable(
  'moderation_appeals',
  {
    id: id().autoincrement().primaryKey(),
    actId: id().notNull(),
    accountId: reference('users', { onDelete: 'cascade' }).notNull(),
    text: text({ length: 1000 }).notNull(),
    createdAt: createdAt(),
    /** 1 until a moderator answers, then NULL. */
    open: tinyint().default(1),
    /** `granted` or `denied`. */
    outcome: text({ length: 10 }),
    answer: text({ length: 1000 }),
    answeredAt: time(),
  },
  (t) => [
    uniqueIndex('moderation_appeals_act').on(t.actId),
    index('moderation_appeals_open').on(t.open, t.id),
    index('moderation_appeals_account').on(t.accountId, t.id),
  ],
)
