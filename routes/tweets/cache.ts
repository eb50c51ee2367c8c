import type { Counter, FastifyInstance, Tx } from 'birdhouse'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'

export type TweetMetric = 'likes' | 'retweets' | 'replies'
export type TweetCounts = Counter<TweetMetric>
/** Tweets cached per process; some 700 bytes each, and as much for the serialized part. */
const TWEETS = 20_000
/** Viewers whose likes and retweets are cached; some hundred tweets of 50 bytes each. */
const VIEWERS = 2_000

export type TweetRow =
  Awaited<ReturnType<TweetCache['rows']['get']>> extends Map<number, infer Row> ? Row : never
export type TweetCache = ReturnType<typeof createTweetCache>
/** A tweet inserted by the last statement, and its author. */
export type InsertedTweet = NonNullable<Awaited<ReturnType<TweetCache['readInserted']>>>
type Reactions = { liked: boolean; retweeted: boolean }

const REACTIONS: readonly Reactions[] = Array.from({ length: 4 }, (_, bits) =>
  Object.freeze({ liked: (bits & 1) > 0, retweeted: (bits & 2) > 0 }),
)

/** Caches tweet rows by id, and each viewer's likes and retweets. */
export function createTweetCache(app: FastifyInstance, counts: TweetCounts) {
  const { likes, tweets, users } = app.tables

  const readTweets = app.prepareForIds((ids, db) => {
    const counted = counts.joined(ids, sql`${tweets.id}`)
    return db
      .select({
        id: tweets.id,
        authorId: tweets.authorId,
        text: tweets.text,
        mediaCount: tweets.mediaCount,
        createdAt: tweets.createdAt,
        deletedAt: tweets.deletedAt,
        replyToId: tweets.replyToId,
        originalId: tweets.retweetOfId,
        likeCount: counted.read('likes'),
        retweetCount: counted.read('retweets'),
        replyCount: counted.read('replies'),
      })
      .from(tweets)
      .leftJoin(counted.totals, counted.onTotals)
      .leftJoin(counted.pending, counted.onPending)
      .where(inArray(tweets.id, ids))
  })

  const viewerId = app.placeholder('viewerId')
  const bit = (weight: number, condition: SQL) =>
    sql`IF(EXISTS (${condition}), ${sql.raw(String(weight))}, 0)`
  const liked = sql`SELECT 1 FROM ${likes} WHERE user_id = ${viewerId} AND tweet_id = ${tweets.id}`
  const retweeted = sql`SELECT 1 FROM ${tweets} AS mine WHERE mine.retweet_of_id = ${tweets.id} AND mine.author_id = ${viewerId}`
  const bits = sql`${bit(1, liked)} + ${bit(2, retweeted)}`.mapWith(Number)

  const readReactions = app.prepareForIds((ids, db) =>
    db.select({ id: tweets.id, bits }).from(tweets).where(inArray(tweets.id, ids)),
  )

  const readAuthored = app.prepareQuery((db) =>
    db
      .select({ tweetId: tweets.id, createdAt: tweets.createdAt, ...app.users.summary(users) })
      .from(tweets)
      .innerJoin(users, and(eq(users.id, tweets.authorId), isNull(users.deletedAt)))
      .where(eq(tweets.id, sql`LAST_INSERT_ID()`)),
  )

  type Draft = { authorId: number; text: string; replyToId: number | null; mediaCount: number }

  /** Reads the tweet that the last statement inserted; undefined when its author has been deleted. */
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
        const rows = await readTweets(ids, {}, db)
        return new Map(
          rows.map(({ deletedAt, createdAt, ...row }) => [
            row.id,
            { ...row, deleted: deletedAt !== null, createdAt: createdAt.toISOString() },
          ]),
        )
      },
    }),

    reactions: app.cache.byOwner<Reactions | undefined>('reactions', {
      max: VIEWERS,
      load: async (viewer, ids, db) => {
        const rows = await readReactions(ids, { viewerId: viewer }, db)
        const known = new Map(rows.map((row) => [row.id, REACTIONS[row.bits]]))
        return new Map(ids.map((id) => [id, known.get(id)]))
      },
    }),
  }
}
