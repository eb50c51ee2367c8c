import { sql } from 'drizzle-orm'
import type { MySqlInsertValue, MySqlTable } from 'drizzle-orm/mysql-core'
import type { FastifyInstance } from 'fastify'
import type { Tx } from '../plugins/db/client.ts'
import { avatarKey } from './avatars.ts'
import type { DemoPicture } from './pictures.ts'
import type { World } from './world.ts'

const ROWS_PER_INSERT = 500

/** Inserts people first, beginning with the demo user, and totals last. Emits no events. */
export async function insertWorld(
  { tables }: FastifyInstance,
  tx: Tx,
  { people, follows, tweets, likes, pictures }: World & { pictures: DemoPicture[] },
  passwordHash: string,
) {
  const firstUser = await insertNumbered(tables.users, people, (person) => {
    const { handle, email, name, profile, createdAt } = person
    const key = avatarKey(person.index)
    return { handle, email, name, profile, createdAt, passwordHash, avatarKey: key }
  })
  const follow = (row: World['follows'][number]) => ({
    followerId: firstUser + row.follower,
    followeeId: firstUser + row.followee,
    createdAt: row.createdAt,
  })
  await insert(tables.follows, follows.map(follow))

  const illustrated = new Set(pictures.map(({ tweet }) => tweet))
  const firstTweet = await insertNumbered(tables.tweets, tweets, (tweet, first, index) => ({
    authorId: firstUser + tweet.author.index,
    text: tweet.text ?? null,
    replyToId: tweet.replyTo === undefined ? null : first + tweet.replyTo,
    retweetOfId: tweet.retweetOf === undefined ? null : first + tweet.retweetOf,
    createdAt: tweet.createdAt,
    mediaCount: illustrated.has(index) ? 1 : 0,
    // No reader has entries yet, so none are missing.
    undelivered: null,
  }))
  const picture = ({ tweet, row }: DemoPicture) => ({
    ...row,
    ownerId: firstUser + (tweets[tweet]?.author.index ?? 0),
    tweetId: firstTweet + tweet,
    createdAt: tweets[tweet]?.createdAt,
  })
  await insert(tables.media, pictures.map(picture))
  const like = (row: World['likes'][number]) => ({
    userId: firstUser + row.user,
    tweetId: firstTweet + row.tweet,
    createdAt: row.createdAt,
  })
  await insert(tables.likes, likes.map(like))
  await countUsers(tx, firstUser, firstUser + people.length - 1)
  await countTweets(tx, firstTweet, firstTweet + tweets.length - 1)

  async function insert<T extends MySqlTable>(table: T, rows: MySqlInsertValue<T>[]) {
    for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
      await tx.insert(table).values(rows.slice(i, i + ROWS_PER_INSERT))
    }
  }

  /**
   * The database chooses the id of the first row, the others follow: so rows can refer to each other,
   * and no id of a deleted row is used again. The first row refers to no other row.
   */
  async function insertNumbered<T extends MySqlTable, Item>(
    table: T,
    items: Item[],
    toRow: (item: Item, first: number, index: number) => MySqlInsertValue<T>,
  ) {
    const [head, ...rest] = items
    if (head === undefined) return 0
    const [{ insertId: first }] = await tx.insert(table).values(toRow(head, 0, 0))
    await insert(
      table,
      rest.map((item, i) => ({ ...toRow(item, first, i + 1), id: first + 1 + i })),
    )
    return first
  }
}

const countUsers = (tx: Tx, first: number, last: number) =>
  tx.execute(sql`
    INSERT INTO user_counts (user_id, followers, followees, tweets)
    SELECT id,
      (SELECT COUNT(*) FROM follows WHERE followee_id = users.id),
      (SELECT COUNT(*) FROM follows WHERE follower_id = users.id),
      (SELECT COUNT(*) FROM tweets WHERE author_id = users.id)
    FROM users WHERE id BETWEEN ${first} AND ${last}`)

const countTweets = (tx: Tx, first: number, last: number) =>
  tx.execute(sql`
    INSERT INTO tweet_counts (tweet_id, likes, retweets, replies)
    SELECT id,
      (SELECT COUNT(*) FROM likes WHERE tweet_id = tweets.id),
      (SELECT COUNT(*) FROM tweets AS retweet WHERE retweet.retweet_of_id = tweets.id),
      (SELECT COUNT(*) FROM tweets AS reply WHERE reply.reply_to_id = tweets.id)
    FROM tweets WHERE id BETWEEN ${first} AND ${last}`)
