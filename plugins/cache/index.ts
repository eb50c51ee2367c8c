import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { beforeCommit, type Tx } from '../db.ts'
import { createFeed } from './feed.ts'
import { createItems, type ItemOptions } from './items.ts'
import { createPairs, type PairOptions } from './pairs.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: ReturnType<typeof createCache>
  }
}

/** Seconds. */
const PURGE_EVERY = 60

/**
 * What a process remembers of the database, and is exact all the same: who changes a row notes that
 * in the same transaction (`touch`), who answers a request looks at the notes first (`fresh`).
 */
function createCache(app: FastifyInstance) {
  const feed = createFeed(app)
  const note = beforeCommit<[topic: string, subject: number]>((notes) => ({
    sql: 'INSERT INTO changes (topic, subject) VALUES ?',
    values: [notes],
  }))

  /** Remembers what belongs to an id, until that id of the topic is touched. */
  const items = <Value>(topic: string, options: ItemOptions<Value>) =>
    createItems(app.db, feed, topic, options)

  /** Remembers what an owner has to do with ids, until the owner is touched. */
  const pairs = <Value>(topic: string, options: PairOptions<Value>) =>
    createPairs(app.db, feed, topic, options)

  /** Every process forgets what it knows of these, from the commit on. */
  const touch = (tx: Tx, topic: string, ids: Iterable<number>) =>
    note(
      tx,
      [...new Set(ids)].map((id) => [topic, id]),
    )

  return {
    items,
    pairs,
    touch,
    fresh: feed.look,
    listen: feed.listen,
    /** False where what is loaded is not kept. */
    remembers: () => !feed.isBlind(),
    purge: feed.purge,
  }
}

export default fp(
  async (app) => {
    app.decorate('cache', createCache(app))
    app.jobs.every('cache.purge', PURGE_EVERY, app.cache.purge)
  },
  { name: 'cache', dependencies: ['db', 'jobs'] },
)
