import { boolean, index, int, mysqlTable, primaryKey, tinyint } from 'drizzle-orm/mysql-core'
import { createdAt, DELIVERY, id, time } from './columns.ts'
import { users } from './users.ts'

/** Which tweets a reader's timeline may show. One too many does no harm: reading checks them all. */
export const timelineEntries = mysqlTable(
  'timeline_entries',
  { readerId: id().notNull(), tweetId: id().notNull() },
  (t) => [primaryKey({ columns: [t.readerId, t.tweetId] })],
)

/** A reader's entries are complete from `floorId` up, once they are materialised. */
export const timelineStates = mysqlTable(
  'timeline_states',
  {
    readerId: id()
      .primaryKey()
      .references(() => users.id),
    delivery: tinyint().notNull().default(DELIVERY.merged),
    /** Counts rebuilds: who began before the last one may not finish. */
    version: int().notNull().default(0),
    /** Counts locks: on a cluster a lock is seen by other nodes only if it writes. */
    turn: int().notNull().default(0),
    floorId: id().notNull().default(0),
    seenAt: time().notNull(),
    /** A rebuild of all, in the order of ids, has come as far as this reader. */
    rebuiltTo: boolean().notNull().default(false),
  },
  (t) => [index('timeline_states_seen').on(t.delivery, t.seenAt)],
)

/** Authors of more followers than are fanned out to. */
export const popularAuthors = mysqlTable('popular_authors', {
  authorId: id().primaryKey(),
  createdAt: createdAt(),
})
