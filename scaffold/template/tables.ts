import { sql } from 'drizzle-orm'
import { bigint, datetime, mysqlTable } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    extNameTweets: typeof extNameTweets
  }
}

const id = () => bigint({ mode: 'number', unsigned: true })

// Birdhouse's table, for the foreign key only; not exported, so that no migration creates it.
const tweets = mysqlTable('tweets', { id: id().primaryKey() })

export const extNameTweets = mysqlTable('ext_name_tweets', {
  tweetId: id()
    .primaryKey()
    .references(() => tweets.id, { onDelete: 'cascade' }),
  seenAt: datetime({ mode: 'date', fsp: 3 }).notNull().default(sql`(now(3))`),
})
