import type { FastifyInstance, Resources } from 'birdhouse'
import { sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/mysql-core'

type Tweet = Resources['Tweet']

/** A retweet shows the parent of its original. */
const parentOf = (tweet: Tweet) => tweet.replyTo ?? tweet.retweetOf?.replyTo

/** The tweet for readers with a block between them and the parent's author. */
export function withoutParent(tweet: Tweet): Tweet {
  const strip = <T extends Pick<Tweet, 'replyTo'>>(body: T): T => ({
    ...body,
    replyTo: body.replyTo && { ...body.replyTo, author: null },
  })
  const stripped = strip(tweet)
  return { ...stripped, retweetOf: stripped.retweetOf && strip(stripped.retweetOf) }
}

/** Finds out for which readers a block hides the author of a tweet's parent. */
export async function readHidden(
  app: FastifyInstance,
  tweets: Tweet[],
  readersOf: (id: number) => number[],
) {
  const { blockedId, blockerId } = app.tables.blocks
  const replies = tweets.filter((tweet) => parentOf(tweet)?.author)
  const authors = new Set(replies.map((tweet) => parentOf(tweet)?.author?.id))
  const readers = new Set(replies.flatMap(({ id }) => readersOf(id)))
  if (readers.size === 0) return () => false
  const [among, of] = [sql.raw([...readers].join()), sql.raw([...authors].join())]
  const pairs = await unionAll(
    app.db
      .select({ reader: blockerId, author: blockedId })
      .from(app.tables.blocks)
      .where(sql`${blockerId} IN (${among}) AND ${blockedId} IN (${of})`),
    app.db
      .select({ reader: blockedId, author: blockerId })
      .from(app.tables.blocks)
      .where(sql`${blockedId} IN (${among}) AND ${blockerId} IN (${of})`),
  )
  const hidden = new Set(pairs.map(({ reader, author }) => `${reader} ${author}`))
  return (tweet: Tweet, reader: number) => hidden.has(`${reader} ${parentOf(tweet)?.author?.id}`)
}
