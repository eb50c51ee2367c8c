import { createdAt, id, reference } from 'birdhouse/columns'
import { index, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    bookmarks: typeof bookmarks
  }
}

/** `id` orders bookmarks by when they were made. */
export const bookmarks = mysqlTable(
  'bookmarks',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    tweetId: reference('tweets', { onDelete: 'cascade' }).notNull(),
    id: id().notNull().autoincrement(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.tweetId] }),
    uniqueIndex('bookmarks_id').on(t.id),
    index('bookmarks_user').on(t.userId, t.id),
    index('bookmarks_tweet').on(t.tweetId),
  ],
)
