import { LRUCache } from 'lru-cache'
import type { Db, Tx } from '../db/client.ts'
import { outsideExtensions } from '../db/extension-work.ts'
import type { Feed } from './feed.ts'
import type { CacheTopic } from './topics.ts'

/** Milliseconds a value is cached, so at most until a direct change of the database becomes visible. */
export const TTL = 60_000

export type ByIdOptions<Value> = {
  /** Returns the values of these ids. An id that is left out is cached as having no value. */
  load: (ids: number[], db: Db | Tx) => Promise<Map<number, Value>>
  max: number
}

/** A cache of one value per id. Values are shared between requests; never mutate them. */
export function createById<Value>(
  db: Db,
  feed: Feed,
  topic: CacheTopic,
  { load, max }: ByIdOptions<Value>,
) {
  const cached = new LRUCache<number, { value: Value | undefined }>({ max, ttl: TTL })
  const loads = new Set<Load<Value>>()
  let next: Load<Value> | undefined

  feed.listen(topic, {
    evict: (id) => {
      cached.delete(id)
      for (const running of loads) running.outdated.add(id)
    },
    evictAll: () => {
      cached.clear()
      for (const running of loads) running.evicted = true
    },
  })

  /** Returns values as of the last `sync` or later; within a transaction, as the transaction sees them. */
  async function get(ids: Iterable<number>, tx?: Db | Tx): Promise<Map<number, Value>> {
    if (tx && tx !== db) return load([...new Set(ids)], tx)
    const found = new Map<number, Value>()
    const misses: number[] = []
    for (const id of ids) {
      const hit = cached.get(id)
      if (!hit) misses.push(id)
      else if (hit.value !== undefined) found.set(id, hit.value)
    }
    if (misses.length === 0) return found
    const loaded = await loadMerged(misses)
    for (const id of misses) {
      const value = loaded.get(id)
      if (value !== undefined) found.set(id, value)
    }
    return found
  }

  /** Merges the misses of one turn of the event loop into one `load`. */
  function loadMerged(ids: number[]) {
    next ??= outsideExtensions(begin)
    for (const id of ids) next.ids.add(id)
    return next.values
  }

  function begin() {
    const current: Load<Value> = {
      ids: new Set(),
      outdated: new Set(),
      evicted: false,
      values: run(),
    }
    loads.add(current)
    return current

    async function run() {
      await new Promise(setImmediate)
      next = undefined
      try {
        const values = await load([...current.ids], db)
        if (!current.evicted && !feed.isSuspended()) keep(current, values)
        return values
      } finally {
        loads.delete(current)
      }
    }
  }

  function keep({ ids, outdated }: Load<Value>, values: Map<number, Value>) {
    for (const id of ids) if (!outdated.has(id)) cached.set(id, { value: values.get(id) })
  }

  return { get, evict: (id: number) => void cached.delete(id) }
}

type Load<Value> = {
  ids: Set<number>
  /** Ids that changed since the load began; their loaded values may be older. */
  outdated: Set<number>
  evicted: boolean
  values: Promise<Map<number, Value>>
}
