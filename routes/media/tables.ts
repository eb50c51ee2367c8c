import { createdAt, id, jsonText, reference, text, time } from 'birdhouse/columns'
import { boolean, index, int, mysqlTable, tinyint, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    media: typeof media
    mediaSweeps: typeof mediaSweeps
  }
}

/** One stored size of a picture; `limit` is the maximum of its long side in pixels. */
export type StoredVariant = { limit: number; width: number; height: number }

/**
 * A picture that is ready for a tweet, or in a tweet (`tweetId`). Its objects exist as long as the row:
 * they are stored before the row and deleted after it.
 */
export const media = mysqlTable(
  'media',
  {
    id: id().autoincrement().primaryKey(),
    ownerId: reference('users').notNull(),
    tweetId: id(),
    /** Position in the tweet, from 0. */
    position: tinyint().notNull().default(0),
    key: text({ length: 64 }).notNull(),
    alt: text({ length: 1500 }).notNull(),
    width: int().notNull(),
    height: int().notNull(),
    animated: boolean().notNull(),
    thumbhash: text({ length: 64 }).notNull(),
    /** Bytes of all variants together; 0 for a picture stored before this column existed. */
    bytes: int().notNull().default(0),
    variants: jsonText().$type<StoredVariant[]>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('media_key').on(t.key),
    // Sums the bytes of an account without reading rows.
    index('media_usage').on(t.ownerId, t.bytes),
    // Finds the pictures of a tweet, and the oldest pictures without a tweet.
    index('media_tweet').on(t.tweetId, t.createdAt),
  ],
)

/** Progress of a sweep of the bucket, so that the next run continues there. */
export const mediaSweeps = mysqlTable('media_sweeps', {
  name: text({ length: 100 }).primaryKey(),
  position: text({ length: 1024 }).notNull(),
  seen: int().notNull(),
  found: int().notNull(),
  updatedAt: time().notNull(),
})
