import type { FastifyInstance, Resources } from 'birdhouse'
import { type Asker, originOf } from '../origin.ts'
import { toOneStatus } from '../present/statuses.ts'

type Tweet = Resources['Tweet']

/** What only a viewer sees; a status of a stream is the same for all. */
const OF_VIEWER = new Set(['favourited', 'reblogged', 'bookmarked', 'muted', 'pinned'])
const withoutViewer = (key: string, value: unknown) => (OF_VIEWER.has(key) ? undefined : value)

/** Milliseconds for the statements of a tweet. */
const LIMIT = 10_000

/** Turns each tweet into JSON once, for all streams that were opened at one address. Call it while the routes are loaded. */
export function createRendering(app: FastifyInstance) {
  const rendered = new WeakMap<Tweet, Map<string, Promise<string | undefined>>>()

  /** Undefined for a tweet that has just gone. */
  function statusOf(tweet: Tweet, asker: Asker) {
    const byOrigin = rendered.get(tweet) ?? new Map<string, Promise<string | undefined>>()
    rendered.set(tweet, byOrigin)
    const origin = originOf(app, asker)
    const json = byOrigin.get(origin) ?? render(tweet, asker)
    byOrigin.set(origin, json)
    return json
  }

  const render = app.features.own(
    async (tweet: Tweet, { protocol, host }: Asker) => {
      const status = await toOneStatus(app, { protocol, host, viewerId: undefined }, tweet)
      return status && JSON.stringify(status, withoutViewer)
    },
    LIMIT,
    'streaming',
  )

  return { statusOf }
}
