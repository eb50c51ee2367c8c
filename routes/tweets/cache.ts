import type { Counter, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'

export type TweetMetric = 'likes' | 'retweets' | 'replies'
export type TweetCounts = Counter<TweetMetric>
/** Tweets cached per process; some 700 bytes each, and as much for the serialized part. */
const TWEETS = 50_000

export type TweetRow =
  Awaited<ReturnType<TweetCache['rows']['get']>> extends Map<number, infer Row> ? Row : never
export type TweetCache = ReturnType<typeof createTweetCache>
/** A tweet inserted by the last statement, and its author. */
export type InsertedTweet = NonNullable<Awaited<ReturnType<TweetCache['readInserted']>>>

/** Caches tweet rows by id. One query reads the tweets and their authors. */
export function createTweetCache(app: FastifyInstance, counts: TweetCounts) {
  const { tweets, users } = app.tables

  const readTweets = app.prepareForIds((ids, db) => {
    const counted = counts.joined(ids, sql`${tweets.id}`)
    return db
      .select({
        id: tweets.id,
        authorId: tweets.authorId,
        text: tweets.text,
        language: tweets.language,
        mediaCount: tweets.mediaCount,
        createdAt: tweets.createdAt,
        deletedAt: tweets.deletedAt,
        replyToId: tweets.replyToId,
        originalId: tweets.retweetOfId,
        likeCount: counted.read('likes'),
        retweetCount: counted.read('retweets'),
        replyCount: counted.read('replies'),
        author: app.users.cachedColumns(users),
      })
      .from(tweets)
      .leftJoin(users, eq(users.id, tweets.authorId))
      .leftJoin(counted.totals, counted.onTotals)
      .leftJoin(counted.pending, counted.onPending)
      .where(inArray(tweets.id, ids))
  })

  const readAuthored = app.prepareQuery((db) =>
    db
      .select({ tweetId: tweets.id, createdAt: tweets.createdAt, ...app.users.summary(users) })
      .from(tweets)
      .innerJoin(users, and(eq(users.id, tweets.authorId), isNull(users.hiddenAt)))
      .where(eq(tweets.id, sql`LAST_INSERT_ID()`)),
  )

  type Draft = {
    authorId: number
    text: string
    language: string | null
    replyToId: number | null
    mediaCount: number
  }

  /** Reads the tweet that the last statement inserted; undefined when its author has been deleted or suspended. */
  async function readInserted(tx: Tx, draft: Draft) {
    const [row] = await readAuthored({}, tx)
    if (!row) return undefined
    const counts = { likeCount: 0, retweetCount: 0, replyCount: 0 }
    const createdAt = row.createdAt.toISOString()
    const tweet = {
      id: row.tweetId,
      ...draft,
      ...counts,
      createdAt,
      originalId: null,
      deleted: false,
    }
    return { tweet, author: app.users.present(row) }
  }

  return {
    readInserted,

    /** Tombstones included. */
    rows: app.cache.byId('tweet', {
      max: TWEETS,
      load: async (ids, db) => {
        const rows = await app.users.readingAlong(() => readTweets(ids, {}, db), db)
        return new Map(
          rows.map(({ deletedAt, createdAt, author: _, ...row }) => [
            row.id,
            { ...row, deleted: deletedAt !== null, createdAt: createdAt.toISOString() },
          ]),
        )
      },
    }),
  }
}
