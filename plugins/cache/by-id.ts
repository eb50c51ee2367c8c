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
  topics: readonly CacheTopic[],
  { load, max }: ByIdOptions<Value>,
  onRead: (hits: number, misses: number) => void,
) {
  const cached = new LRUCache<number, { value: Value | undefined }>({ max, ttl: TTL })
  const loads = new Set<Running>()
  let next: Load<Value> | undefined

  const listener = {
    evict: (id: number) => {
      cached.delete(id)
      for (const running of loads) running.outdated.add(id)
    },
    evictAll: () => {
      cached.clear()
      for (const running of loads) running.evicted = true
    },
  }
  for (const topic of topics) feed.listen(topic, listener)

  /** Returns values as of the last `sync` or later; within a transaction, as the transaction sees them. */
  async function get(ids: Iterable<number>, tx?: Db | Tx): Promise<Map<number, Value>> {
    if (tx && tx !== db) return load([...new Set(ids)], tx)
    const found = new Map<number, Value>()
    const misses: number[] = []
    let hits = 0
    for (const id of ids) {
      const hit = cached.get(id)
      if (!hit) misses.push(id)
      else {
        hits++
        if (hit.value !== undefined) found.set(id, hit.value)
      }
    }
    onRead(hits, misses.length)
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
        if (mayKeep(current)) for (const id of current.ids) keep(current, id, values.get(id))
        return values
      } finally {
        loads.delete(current)
      }
    }
  }

  const mayKeep = ({ evicted }: Running) => !evicted && !feed.isSuspended()

  function keep({ outdated }: Running, id: number, value: Value | undefined) {
    if (!outdated.has(id)) cached.set(id, { value })
  }

  /**
   * For a query that reads these values along with others: call it before the query, and the result
   * with the ids and a function that makes a value. Values that are cached already stay.
   */
  function alongside() {
    const running: Running = { outdated: new Set(), evicted: false }
    loads.add(running)
    return (ids: Iterable<number>, make: (id: number) => Value | undefined) => {
      loads.delete(running)
      if (!mayKeep(running)) return
      for (const id of ids) if (!cached.has(id)) keep(running, id, make(id))
    }
  }

  return {
    get,
    has: (id: number) => cached.has(id),
    /** The cached value as of the last `sync`, or undefined if there is none. */
    peek: (id: number) => cached.peek(id)?.value,
    evict: (id: number) => void cached.delete(id),
    alongside,
  }
}

type Running = {
  /** Ids that changed since the load began; their loaded values may be older. */
  outdated: Set<number>
  evicted: boolean
}
type Load<Value> = Running & { ids: Set<number>; values: Promise<Map<number, Value>> }
