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
  const { changes } = app.tables
  const feed = createFeed(app)
  const touched = new WeakMap<Tx, Map<string, Set<number>>>()

  /** Remembers what belongs to an id, until that id of the topic is touched. */
  const items = <Value>(topic: string, options: ItemOptions<Value>) =>
    createItems(app.db, feed, topic, options)

  /** Remembers what an owner has to do with ids, until the owner is touched. */
  const pairs = <Value>(topic: string, options: PairOptions<Value>) =>
    createPairs(app.db, feed, topic, options)

  /** Every process forgets what it knows of these, from the commit on. */
  function touch(tx: Tx, topic: string, ids: Iterable<number>) {
    const known = touched.get(tx)
    const notes = known ?? new Map<string, Set<number>>()
    notes.set(topic, (notes.get(topic) ?? new Set()).union(new Set(ids)))
    if (known) return
    touched.set(tx, notes)
    // All notes of a transaction are one statement, the last before it commits.
    beforeCommit(tx, () => write(tx, notes))
  }

  async function write(tx: Tx, notes: Map<string, Set<number>>) {
    const rows = [...notes].flatMap(([topic, ids]) =>
      [...ids].map((subject) => ({ topic, subject })),
    )
    if (rows.length > 0) await tx.insert(changes).values(rows)
  }

  return { items, pairs, touch, fresh: feed.look, listen: feed.listen, purge: feed.purge }
}

export default fp(
  async (app) => {
    app.decorate('cache', createCache(app))
    app.jobs.every('cache.purge', PURGE_EVERY, app.cache.purge)
  },
  { name: 'cache', dependencies: ['db', 'jobs'] },
)
