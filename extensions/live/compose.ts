import type { FastifyInstance, FastifyReply, Resources } from 'birdhouse'
import { ref } from 'birdhouse/schemas'
import { and, inArray, sql } from 'drizzle-orm'
import { frame } from './frames.ts'
import type { LiveEvent } from './journal.ts'
import { readNotification } from './notifications.ts'
import { readHidden, withoutParent } from './parents.ts'

type Tweet = Resources['Tweet']
/** Bytes and the readers they are for. An event may have two versions for different readers. */
export type Delivery = { seq: number; bytes: Buffer; readers: number[] }

/** Readers per query. */
const READERS = 5_000

/** Turns events into deliveries to these readers, with a fixed number of queries. */
export function createComposer(app: FastifyInstance) {
  const { follows } = app.tables
  let serialize: ((tweet: Record<string, unknown>) => string) | undefined

  /** Serializes tweets with the schema of the tweet routes, so that no other property is sent. */
  function useSchemaOf(reply: FastifyReply) {
    serialize ??= reply.compileSerializationSchema({ ...ref('Tweet') })
  }

  async function compose(events: LiveEvent[], readerIds: number[]) {
    const of = (kind: LiveEvent['kind']) => events.filter((event) => event.kind === kind)
    const all = await Promise.all([
      composeTweets(of('tweet'), readerIds),
      composeDeleted(of('tweet.deleted'), readerIds),
      composeNotifications(of('notification'), readerIds),
    ])
    return all.flat().sort((a, b) => a.seq - b.seq)
  }

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
    readers.length > 0 && serialize
      ? [{ seq, readers, bytes: frame(seq, 'tweet', serialize({ ...tweet })) }]
      : []

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
    const found = await app.tweets.byIds(ids)
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
      return { seq, readers, bytes: frame(seq, 'tweet.deleted', JSON.stringify({ id: subjectId })) }
    })
  }

  async function composeNotifications(events: LiveEvent[], readerIds: number[]) {
    const here = new Set(readerIds)
    const deliveries = events.map(async ({ seq, subjectId, userId }): Promise<Delivery[]> => {
      const item = here.has(userId) && (await readNotification(app, subjectId, userId))
      if (!item) return []
      return [{ seq, readers: [userId], bytes: frame(seq, 'notification', JSON.stringify(item)) }]
    })
    return (await Promise.all(deliveries)).flat()
  }

  return { compose, useSchemaOf }
}

export type Composer = ReturnType<typeof createComposer>
