import { createdAt, id, reference, time } from 'birdhouse/columns'
import { boolean, index, int, mysqlTable, primaryKey, tinyint } from 'drizzle-orm/mysql-core'
import { DELIVERY } from './delivery.ts'

declare module 'fastify' {
  interface Tables {
    timelineEntries: typeof timelineEntries
    timelineStates: typeof timelineStates
    popularAuthors: typeof popularAuthors
  }
}

/** Tweets that a reader's timeline may show. An extra entry does no harm: each is checked when read. */
export const timelineEntries = mysqlTable(
  'timeline_entries',
  { readerId: id().notNull(), tweetId: id().notNull() },
  (t) => [primaryKey({ columns: [t.readerId, t.tweetId] })],
)

/** Once materialised, a reader's entries are complete from `floorId` up. */
export const timelineStates = mysqlTable(
  'timeline_states',
  {
    readerId: reference('users').primaryKey(),
    delivery: tinyint().notNull().default(DELIVERY.merged),
    /** Number of the last rebuild: an earlier rebuild may not finish. */
    version: int().notNull().default(0),
    /** Number of locks: on a cluster, other nodes see a lock only if it writes. */
    turn: int().notNull().default(0),
    floorId: id().notNull().default(0),
    seenAt: time().notNull(),
    /** A rebuild of all timelines, in order of ids, has reached this reader. */
    rebuiltTo: boolean().notNull().default(false),
  },
  (t) => [index('timeline_states_seen').on(t.delivery, t.seenAt)],
)

/** Authors with more followers than `FANOUT_LIMIT`. */
export const popularAuthors = mysqlTable('popular_authors', {
  authorId: id().primaryKey(),
  createdAt: createdAt(),
})
