import type { FastifyInstance, Resources } from 'birdhouse'
import { Id, ref } from 'birdhouse/schemas'
import { and, inArray, sql } from 'drizzle-orm'
import { Type } from 'typebox'
import type { LiveEvent } from './journal.ts'
import type { Delivery, Kinds } from './kinds.ts'
import { readHidden, withoutParent } from './parents.ts'

type Tweet = Resources['Tweet']

declare module 'fastify' {
  interface LiveEvents {
    tweet: Tweet
    'tweet.deleted': { id: number }
  }
}

/** Readers per query. */
const READERS = 5_000

/** The events of tweets, for all followers of an author, with a fixed number of queries. */
export function defineTweetEvents(app: FastifyInstance, kinds: Kinds) {
  const { follows } = app.tables
  const toTweet = kinds.define('tweet', {
    description:
      'a tweet, reply or retweet as in `GET /v1/tweets/{id}`, without fields that depend on the viewer, such as `liked`',
    schema: ref('Tweet'),
    show: composeTweets,
  })
  const toDeleted = kinds.define('tweet.deleted', {
    description: 'remove the tweet if you show it',
    schema: Type.Object({ id: Id }),
    show: composeDeleted,
  })

  async function composeTweets(events: LiveEvent[], readerIds: number[]) {
    const ids = events.map(({ subjectId }) => subjectId)
    const byTweet = await readTimelines(ids, readerIds)
    const readersOf = (id: number) => byTweet.get(id) ?? []
    const shown = await hydrate([...byTweet.keys()])
    const isHidden = await readHidden(app, [...shown.values()], readersOf)
    return events.flatMap(({ seq, subjectId }) => {
      const tweet = shown.get(subjectId)
      if (!tweet) return []
      const { most = [], apart = [] } = Object.groupBy(readersOf(subjectId), (reader) =>
        isHidden(tweet, reader) ? 'apart' : 'most',
      )
      return [...version(seq, tweet, most), ...version(seq, withoutParent(tweet), apart)]
    })
  }

  const version = (seq: number, tweet: Tweet, readers: number[]): Delivery[] =>
    readers.length > 0 ? [{ seq, readers, bytes: toTweet(seq, { ...tweet }) }] : []

  /** The readers of each tweet by the rules of the timeline, filters of extensions included. */
  async function readTimelines(tweetIds: number[], readerIds: number[]) {
    const byTweet = new Map<number, number[]>()
    for (let i = 0; i < readerIds.length; i += READERS) {
      const some = readerIds.slice(i, i + READERS)
      for (const { tweetId, readerId } of await app.timeline.readersOf(tweetIds, some)) {
        const readers = byTweet.get(tweetId)
        if (readers) readers.push(readerId)
        else byTweet.set(tweetId, [readerId])
      }
    }
    return byTweet
  }

  /** Hydrates tweets without a viewer, once for all readers. */
  async function hydrate(ids: number[]) {
    if (ids.length === 0) return new Map<number, Tweet>()
    const found = await app.tweets.forReaders(ids)
    return new Map([...found].filter(([, { deleted }]) => !deleted))
  }

  /** Sends only the id, to the author and their followers. */
  async function composeDeleted(events: LiveEvent[], readerIds: number[]): Promise<Delivery[]> {
    if (events.length === 0) return []
    const authors = events.map(({ userId }) => userId)
    const among = sql`${follows.followerId} IN (${sql.raw(readerIds.join())})`
    const rows = await app.db
      .select({ readerId: follows.followerId, authorId: follows.followeeId })
      .from(follows)
      .where(and(inArray(follows.followeeId, authors), among))
    return events.map(({ seq, subjectId, userId }) => {
      const followers = rows.filter(({ authorId }) => authorId === userId)
      const readers = [userId, ...followers.map(({ readerId }) => readerId)]
      return { seq, readers, bytes: toDeleted(seq, { id: subjectId }) }
    })
  }
}
