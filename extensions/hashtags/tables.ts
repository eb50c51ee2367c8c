import { id, reference, text, time } from 'birdhouse/columns'
import { sql } from 'drizzle-orm'
import { boolean, index, int, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    hashtagTweets: typeof hashtagTweets
    hashtagMentions: typeof hashtagMentions
    hashtagAuthors: typeof hashtagAuthors
    hashtagTrends: typeof hashtagTrends
    hashtagMutes: typeof hashtagMutes
    hashtagWalks: typeof hashtagWalks
  }
}

const tag = () => text({ length: 100 })

/** `tag` is the normalised form in all tables. */
export const hashtagTweets = mysqlTable(
  'hashtags_tweets',
  {
    tag: tag().notNull(),
    tweetId: reference('tweets', { onDelete: 'cascade' }).notNull(),
    authorId: id().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tag, t.tweetId] }),
    index('hashtags_tweets_tweet').on(t.tweetId, t.tag),
    index('hashtags_tweets_author').on(t.tag, t.authorId, t.tweetId),
  ],
)

/**
 * `userId` is the account that had the handle when the tweet was written; null if there was none or
 * it has been erased. A later owner of the handle was not mentioned.
 */
export const hashtagMentions = mysqlTable(
  'hashtags_mentions',
  {
    tweetId: reference('tweets', { onDelete: 'cascade' }).notNull(),
    handle: text({ length: 30 }).notNull(),
    userId: reference('users', { onDelete: 'set null' }),
    announced: boolean().notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.tweetId, t.handle] }),
    index('hashtags_mentions_user').on(t.userId, t.tweetId),
  ],
)

/** Recent authors with their latest tweet with a tag; purged when that is a day old. */
export const hashtagAuthors = mysqlTable(
  'hashtags_authors',
  {
    tag: tag().notNull(),
    authorId: reference('users', { onDelete: 'cascade' }).notNull(),
    tweetId: id().notNull(),
    usedAt: time().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tag, t.authorId] }),
    index('hashtags_authors_author').on(t.authorId),
    index('hashtags_authors_used_at').on(t.usedAt),
  ],
)

/** The number of rows in `hashtags_authors` per tag, to read the highest without counting. */
export const hashtagTrends = mysqlTable(
  'hashtags_trends',
  {
    tag: tag().primaryKey(),
    /** The spelling that was written first. */
    shown: tag().notNull(),
    authors: int().notNull(),
    /** Orders ties, latest first. */
    id: id().notNull().autoincrement(),
  },
  (t) => [
    uniqueIndex('hashtags_trends_id').on(t.id),
    index('hashtags_trends_top').on(t.authors, t.id),
  ],
)

export const hashtagMutes = mysqlTable(
  'hashtags_mutes',
  {
    userId: reference('users', { onDelete: 'cascade' }).notNull(),
    tag: tag().notNull(),
    /** As the user wrote it. */
    shown: tag().notNull(),
    id: id().notNull().autoincrement(),
    createdAt: time().notNull().default(sql`(now(3))`),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.tag] }),
    uniqueIndex('hashtags_mutes_id').on(t.id),
    index('hashtags_mutes_user').on(t.userId, t.id),
  ],
)

/** The position of each walk over all tweets. */
export const hashtagWalks = mysqlTable('hashtags_walks', {
  name: text({ length: 20 }).primaryKey(),
  position: id().notNull(),
})
