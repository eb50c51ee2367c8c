import { sql } from 'drizzle-orm'
import {
  bigint,
  datetime,
  index,
  mysqlTable,
  primaryKey,
  uniqueIndex,
} from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    bookmarks: typeof bookmarks
  }
}

const id = () => bigint({ mode: 'number', unsigned: true })

// Not exported: Birdhouse's own, here for the foreign keys alone.
const users = mysqlTable('users', { id: id().primaryKey() })
const tweets = mysqlTable('tweets', { id: id().primaryKey() })

/** `id` orders bookmarks by when they were made. */
export const bookmarks = mysqlTable(
  'bookmarks',
  {
    userId: id()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tweetId: id()
      .notNull()
      .references(() => tweets.id, { onDelete: 'cascade' }),
    id: id().notNull().autoincrement(),
    createdAt: datetime({ mode: 'date', fsp: 3 }).notNull().default(sql`(now(3))`),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.tweetId] }),
    uniqueIndex('bookmarks_id').on(t.id),
    index('bookmarks_user').on(t.userId, t.id),
    index('bookmarks_tweet').on(t.tweetId),
  ],
)
