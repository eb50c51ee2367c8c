import type { FastifyInstance, Resources } from 'birdhouse'
import { Id, ref } from 'birdhouse/schemas'
import { and, inArray, sql } from 'drizzle-orm'
import { Type } from 'typebox'
import type { Audience, Delivery } from './delivery.ts'
import type { LiveEvent } from './journal.ts'
import type { Kinds } from './kinds.ts'
import { readHidden, withoutParent } from './parents.ts'

type Tweet = Resources['Tweet']

declare module 'fastify' {
  interface LiveEvents {
    tweet: Tweet
    'tweet.deleted': { id: number }
  }
}

/** Users per query. */
const USERS = 5_000

type Pair = { tweetId: number; readerId: number }
type Find = (tweetIds: number[], userIds: number[]) => Promise<Pair[]>

/** The events of tweets, for all who may see them, with a fixed number of queries. */
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

  async function composeTweets(events: LiveEvent[], audience: Audience): Promise<Delivery[]> {
    const ids = events.map(({ subjectId }) => subjectId)
    const [byReaders, byViewers] = await Promise.all([
      pairs(app.timeline.readersOf, ids, audience.readers),
      pairs(app.tweets.viewersOf, ids, audience.viewers),
    ])
    const shown = await hydrate([...new Set([...byReaders.keys(), ...byViewers.keys()])])
    const of = (id: number) => ({
      readers: byReaders.get(id) ?? [],
      viewers: byViewers.get(id) ?? [],
    })
    const isHidden = await readHidden(app, [...shown.values()], (id) =>
      Object.values(of(id)).flat(),
    )
    return events.flatMap(({ seq, subjectId }) => {
      const tweet = shown.get(subjectId)
      if (!tweet) return []
      const version = (version: Tweet, apart: boolean) => {
        const isMeant = (id: number) => isHidden(tweet, id) === apart
        const { readers, viewers } = of(subjectId)
        const to = { readers: readers.filter(isMeant), viewers: viewers.filter(isMeant) }
        const isSent = to.readers.length + to.viewers.length > 0
        return isSent ? [toTweet(seq, { ...version }, to)] : []
      }
      return [...version(tweet, false), ...version(withoutParent(tweet), true)]
    })
  }

  /** The users of each tweet by the rules of a list, filters of extensions included. */
  async function pairs(find: Find, tweetIds: number[], userIds: number[]) {
    const byTweet = new Map<number, number[]>()
    for (let i = 0; i < userIds.length; i += USERS) {
      for (const { tweetId, readerId } of await find(tweetIds, userIds.slice(i, i + USERS))) {
        const users = byTweet.get(tweetId)
        if (users) users.push(readerId)
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

  /** Sends only the id: at home to the author and their followers, elsewhere to all. */
  async function composeDeleted(
    events: LiveEvent[],
    { readers, viewers }: Audience,
  ): Promise<Delivery[]> {
    const followers = await followersOf(new Set(events.map(({ userId }) => userId)), readers)
    return events.map(({ seq, subjectId, userId }) => {
      const home = [userId, ...(followers.get(userId) ?? []).map(({ readerId }) => readerId)]
      return toDeleted(seq, { id: subjectId }, { readers: home, viewers })
    })
  }

  async function followersOf(authorIds: Set<number>, readers: number[]) {
    if (readers.length === 0) return new Map<number, { readerId: number }[]>()
    const among = sql`${follows.followerId} IN (${sql.raw(readers.join())})`
    const rows = await app.db
      .select({ readerId: follows.followerId, authorId: follows.followeeId })
      .from(follows)
      .where(and(inArray(follows.followeeId, [...authorIds]), among))
    return Map.groupBy(rows, ({ authorId }) => authorId)
  }
}
