import type { FastifyInstance, Resources } from 'birdhouse'
import { type Asker, originOf } from '../origin.ts'
import { toStatuses } from '../present/statuses.ts'

type Tweet = Resources['Tweet']
type Json = string | undefined
type Wish = { tweet: Tweet; asker: Asker; origin: string } & PromiseWithResolvers<Json>

/** Fields that differ by viewer; a status of a stream is the same for all. */
const OF_VIEWER = new Set(['favourited', 'reblogged', 'bookmarked', 'muted', 'pinned'])
const withoutViewer = (key: string, value: unknown) => (OF_VIEWER.has(key) ? undefined : value)

/** Tweets that are read together. */
const AT_ONCE = 100
/** Milliseconds for their statements. */
const LIMIT = 10_000

/** Turns each tweet into JSON once, for all streams that were opened at one address. Call it while the routes are loaded. */
export function createRendering(app: FastifyInstance) {
  const read = app.features.own(toStatuses, LIMIT, 'streaming')
  const made = new WeakMap<Tweet, Map<string, Promise<Json>>>()
  let waiting: Wish[] = []
  let isWorking = false

  /** Undefined for a tweet that has just gone. */
  function statusOf(tweet: Tweet, asker: Asker) {
    const origin = originOf(app, asker)
    const byOrigin = made.get(tweet) ?? new Map<string, Promise<Json>>()
    made.set(tweet, byOrigin)
    const json = byOrigin.get(origin) ?? later({ tweet, asker, origin })
    byOrigin.set(origin, json)
    return json
  }

  /** Tweets that are heard together, or while others are read, are read by the same statements. */
  function later(wish: Pick<Wish, 'tweet' | 'asker' | 'origin'>) {
    const promised = Promise.withResolvers<Json>()
    waiting.push({ ...wish, ...promised })
    if (!isWorking) setImmediate(work)
    isWorking = true
    return promised.promise
  }

  async function work() {
    for (let batch = take(); batch.length > 0; batch = take()) await render(batch)
    isWorking = false
  }

  /** The next ones of one address, and of the versions of one tweet the first. */
  function take() {
    const ids = new Set<number>()
    const { batch = [], rest = [] } = Object.groupBy(waiting, ({ tweet, origin }) => {
      const fits = origin === waiting[0]?.origin && !ids.has(tweet.id) && ids.size < AT_ONCE
      if (fits) ids.add(tweet.id)
      return fits ? 'batch' : 'rest'
    })
    waiting = rest
    return batch
  }

  async function render(batch: Wish[]) {
    const { protocol, host } = (batch[0] as Wish).asker
    const tweets = batch.map(({ tweet }) => tweet)
    try {
      const statuses = await read(app, { protocol, host, viewerId: undefined }, tweets)
      const byId = new Map(statuses.map((status) => [status.id, status]))
      for (const { tweet, resolve } of batch)
        resolve(JSON.stringify(byId.get(String(tweet.id)), withoutViewer))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return { statusOf }
}
