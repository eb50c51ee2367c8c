import { createdAt, id, reference, text, time } from 'birdhouse/columns'
import {
  foreignKey,
  index,
  int,
  mysqlTable,
  primaryKey,
  tinyint,
  uniqueIndex,
} from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    tweets: typeof tweets
    tweetCounts: typeof tweetCounts
    tweetCountDeltas: typeof tweetCountDeltas
    likes: typeof likes
  }
}

/**
 * A tweet, a reply (`replyToId`) or a retweet (`retweetOfId`, no text). A deleted tweet stays as a
 * tombstone without text; the row of an undone retweet is deleted. A reply may outlive its parent.
 */
export const tweets = mysqlTable(
  'tweets',
  {
    id: id().autoincrement().primaryKey(),
    authorId: reference('users').notNull(),
    /** Counted as in length.ts. */
    text: text({ length: 1_200 }),
    replyToId: id(),
    retweetOfId: id(),
    createdAt: createdAt(),
    deletedAt: time(),
    /** A BCP 47 tag, if the author has named the language. */
    language: text({ length: 20 }),
    /** Number of pictures; reads query pictures only if this is above 0. */
    mediaCount: tinyint().notNull().default(0),
    /** 1 until the fan-out is complete, then NULL; only routes/timeline changes this. */
    undelivered: tinyint().default(1),
  },
  (t) => [
    foreignKey({ name: 'tweets_retweet_of_fk', columns: [t.retweetOfId], foreignColumns: [t.id] }),
    index('tweets_author').on(t.authorId, t.id),
    index('tweets_reply_to').on(t.replyToId, t.id),
    index('tweets_undelivered').on(t.undelivered, t.authorId),
    uniqueIndex('tweets_retweet').on(t.retweetOfId, t.authorId),
  ],
)

export const tweetCounts = mysqlTable('tweet_counts', {
  tweetId: id().primaryKey(),
  likes: int().notNull().default(0),
  retweets: int().notNull().default(0),
  replies: int().notNull().default(0),
})

export const tweetCountDeltas = mysqlTable(
  'tweet_count_deltas',
  {
    tweetId: id().notNull(),
    id: id().notNull().autoincrement(),
    likes: int().notNull().default(0),
    retweets: int().notNull().default(0),
    replies: int().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.tweetId, t.id] }),
    uniqueIndex('tweet_count_deltas_id').on(t.id),
  ],
)

/** `id` orders likes by time. */
export const likes = mysqlTable(
  'likes',
  {
    userId: reference('users').notNull(),
    tweetId: id()
      .notNull()
      .references(() => tweets.id),
    id: id().notNull().autoincrement(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.tweetId] }),
    uniqueIndex('likes_id').on(t.id),
    index('likes_user').on(t.userId, t.id),
    index('likes_tweet').on(t.tweetId, t.id),
  ],
)
