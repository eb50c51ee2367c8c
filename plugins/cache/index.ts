import type { EventPayloads, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from '../db/client.ts'
import { beforeCommit } from '../db/transaction.ts'
import type { EventName } from '../events.ts'
import { type ByIdOptions, createById } from './by-id.ts'
import { createFeed } from './feed.ts'
import type { CacheTopic } from './topics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: ReturnType<typeof createCache>
  }
  interface JobPayloads {
    'cache.purge': object
  }
}

/** Seconds between purges of old changes. */
const PURGE_EVERY = 60

/** Milliseconds for the statements of an extension's load. */
const LOAD_LIMIT = 5_000

type Options<Args extends unknown[], Value> = {
  load: (...args: Args) => Promise<Map<number, Value>>
  max: number
}

/** For each event, the ids that it invalidates. */
type IdsOfEvents = { [Name in EventName]?: (payload: EventPayloads[Name]) => Iterable<number> }

/**
 * Caches of database rows that stay exact across processes. A write records which ids it changes, in
 * its transaction (`invalidate`); every answer applies those records before it reads a cache (`sync`).
 */
function createCache(app: FastifyInstance) {
  const feed = createFeed(app)
  const record = beforeCommit<[topic: string, subject: number]>((changes) => ({
    sql: 'INSERT INTO changes (topic, subject) VALUES ?',
    values: [changes],
  }))

  /** Requests share a load, so it has a deadline of its own. */
  const owned = <Args extends unknown[], Value>(options: Options<Args, Value>) => ({
    ...options,
    load: app.features.own(options.load, LOAD_LIMIT),
  })

  const countReads = app.metrics.counter('birdhouse_cache_reads_total', {
    help: 'Values that were read from a cache, by whether the cache had them.',
    labels: ['topic', 'result'],
  })

  const counting = (topic: string) => (hits: number, misses: number) => {
    if (hits > 0) countReads({ topic, result: 'hit' }, hits)
    if (misses > 0) countReads({ topic, result: 'miss' }, misses)
  }

  /** Creates a cache of one value per id. An invalidation of a topic evicts the value of an id. */
  const byId = <Value>(topic: CacheTopic | CacheTopic[], options: ByIdOptions<Value>) =>
    createById(app.db, feed, [topic].flat(), owned(options), counting([topic].flat().join('+')))

  /**
   * Evicts the values of these ids from the caches of every process once the transaction commits.
   * @throws Error outside of a transaction
   */
  const invalidate = (tx: Tx, topic: CacheTopic, ids: Iterable<number>) =>
    record(
      tx,
      [...new Set(ids)].map((id) => [topic, id]),
    )

  /** Calls `invalidate` in the transaction of each event, with the ids that follow from its payload. */
  function invalidateOn(topic: CacheTopic, events: IdsOfEvents) {
    for (const [name, idsOf] of Object.entries(events)) {
      app.events.onEmit(name as EventName, (tx, payload) =>
        invalidate(tx, topic, idsOf(payload as never)),
      )
    }
  }

  return {
    byId,
    invalidate,
    invalidateOn,
    /** Applies every invalidation that was committed before the call. */
    sync: feed.poll,
    listen: feed.listen,
    /** True when this database does not assign ids in order of time, so nothing is ever cached. */
    isUnsupported: feed.isUnsupported,
    purge: feed.purge,
  }
}

export default fp(
  async (app) => {
    app.decorate('cache', createCache(app))
    app.jobs.every('cache.purge', PURGE_EVERY, app.cache.purge)
  },
  { name: 'cache', dependencies: ['db', 'jobs', 'events', 'features', 'metrics'] },
)
