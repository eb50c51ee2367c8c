import { boolean, index, int, mysqlTable, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'
import { createdAt, id, jsonText, text, time } from './columns.ts'
import { users } from './users.ts'

/** One size of a picture, as it was stored; `limit` is the most its long side may have. */
export type StoredVariant = { limit: number; width: number; height: number }

/**
 * A picture that is ready for a tweet, or in one (`tweetId`). Its objects exist for as long as the
 * row does: they are stored before it and removed after it.
 */
export const media = mysqlTable(
  'media',
  {
    id: id().autoincrement().primaryKey(),
    ownerId: id()
      .notNull()
      .references(() => users.id),
    tweetId: id(),
    /** Its place in the tweet, from 0. */
    position: tinyint().notNull().default(0),
    key: text({ length: 64 }).notNull(),
    alt: text({ length: 1500 }).notNull(),
    width: int().notNull(),
    height: int().notNull(),
    animated: boolean().notNull(),
    thumbhash: text({ length: 64 }).notNull(),
    variants: jsonText().$type<StoredVariant[]>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('media_key').on(t.key),
    index('media_owner').on(t.ownerId, t.id),
    // Serves those of a tweet, and the oldest of those that are in none.
    index('media_tweet').on(t.tweetId, t.createdAt),
  ],
)

/** How far a search of the bucket has come, for the one that goes on. */
export const mediaSweeps = mysqlTable('media_sweeps', {
  name: text({ length: 100 }).primaryKey(),
  position: text({ length: 1024 }).notNull(),
  seen: int().notNull(),
  found: int().notNull(),
  updatedAt: time().notNull(),
})
