import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  datetime,
  index,
  int,
  mysqlTable,
  primaryKey,
  uniqueIndex,
} from 'drizzle-orm/mysql-core'

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

const id = () => bigint({ mode: 'number', unsigned: true })
const time = () => datetime({ mode: 'date', fsp: 3 })
/** Compared byte by byte, as all text here: two different emoji are equal in other collations. */
const text = customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
})
const tag = () => text({ length: 100 })

// Not exported: Birdhouse's own, here for the foreign keys alone.
const users = mysqlTable('users', { id: id().primaryKey() })
const tweets = mysqlTable('tweets', { id: id().primaryKey() })

/** `tag` is the normalised form, here and everywhere. */
export const hashtagTweets = mysqlTable(
  'hashtags_tweets',
  {
    tag: tag().notNull(),
    tweetId: id()
      .notNull()
      .references(() => tweets.id, { onDelete: 'cascade' }),
    authorId: id().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tag, t.tweetId] }),
    index('hashtags_tweets_tweet').on(t.tweetId, t.tag),
    index('hashtags_tweets_author').on(t.tag, t.authorId, t.tweetId),
  ],
)

/**
 * A row for every handle a tweet mentions. `userId` is whose it was at the time, null when it was
 * nobody's or the account has gone since: who takes the handle later was not mentioned.
 */
export const hashtagMentions = mysqlTable(
  'hashtags_mentions',
  {
    tweetId: id()
      .notNull()
      .references(() => tweets.id, { onDelete: 'cascade' }),
    handle: text({ length: 30 }).notNull(),
    userId: id().references(() => users.id, { onDelete: 'set null' }),
    announced: boolean().notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.tweetId, t.handle] }),
    index('hashtags_mentions_user').on(t.userId, t.tweetId),
  ],
)

/** Who used a tag of late: their latest tweet with it. A row is gone once that is a day old. */
export const hashtagAuthors = mysqlTable(
  'hashtags_authors',
  {
    tag: tag().notNull(),
    authorId: id()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tweetId: id().notNull(),
    usedAt: time().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tag, t.authorId] }),
    index('hashtags_authors_author').on(t.authorId),
    index('hashtags_authors_used_at').on(t.usedAt),
  ],
)

/** How many rows of `hashtags_authors` each tag has, for reading the highest without counting. */
export const hashtagTrends = mysqlTable(
  'hashtags_trends',
  {
    tag: tag().primaryKey(),
    /** As first written. */
    shown: tag().notNull(),
    authors: int().notNull(),
    /** Orders ties: what came up last is first. */
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
    userId: id()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
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

/** How far each walk over all tweets has come. */
export const hashtagWalks = mysqlTable('hashtags_walks', {
  name: text({ length: 20 }).primaryKey(),
  position: id().notNull(),
})
