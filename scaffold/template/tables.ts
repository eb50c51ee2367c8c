import { createdAt, reference } from 'birdhouse/columns'
import { mysqlTable } from 'drizzle-orm/mysql-core'

declare module 'fastify' {
  interface Tables {
    extNameTweets: typeof extNameTweets
  }
}

export const extNameTweets = mysqlTable('ext_name_tweets', {
  tweetId: reference('tweets', { onDelete: 'cascade' }).primaryKey(),
  seenAt: createdAt(),
})
