import { createdAt, id, reference } from 'birdhouse/columns'
import { index, mysqlTable, tinyint, uniqueIndex, varchar } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    liveEvents: typeof liveEvents
    liveSequence: typeof liveSequence
  }
}

/** Without a foreign key to tweets: events of deleted tweets are skipped, and purged in time. */
export const liveEvents = mysqlTable(
  'live_events',
  {
    seq: id().primaryKey(),
    kind: varchar({ length: 60 }).notNull(),
    subjectId: id().notNull(),
    /** The author of the tweet, or the user whose streams get the event. */
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('live_events_subject').on(t.kind, t.subjectId, t.userId),
    index('live_events_user').on(t.userId, t.seq),
    index('live_events_created').on(t.createdAt),
  ],
)

/** One row, whose lock orders appends: the last number assigned, and the last number purged. */
export const liveSequence = mysqlTable('live_sequence', {
  id: tinyint().primaryKey(),
  value: id().notNull(),
  purged: id().notNull().default(0),
})
