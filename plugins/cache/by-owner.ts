import { LRUCache } from 'lru-cache'
import type { Db, Tx } from '../db/client.ts'
import { TTL } from './by-id.ts'
import type { Feed } from './feed.ts'
import type { CacheTopic } from './topics.ts'

/** Most cached values per owner; above this the owner's values are evicted. */
const MAX_VALUES = 2_000

export type ByOwnerOptions<Value> = {
  load: (owner: number, ids: number[], db: Db | Tx) => Promise<Map<number, Value>>
  max: number
}

/** A cache of one value per owner and id. An invalidation evicts all values of an owner. */
export function createByOwner<Value>(
  db: Db,
  feed: Feed,
  topic: CacheTopic,
  { load, max }: ByOwnerOptions<Value>,
) {
  const cached = new LRUCache<number, Map<number, Value>>({ max, ttl: TTL })
  // A load whose owner is evicted meanwhile finds a different map or none, and caches nothing.
  feed.listen(topic, { evict: (owner) => cached.delete(owner), evictAll: () => cached.clear() })

  /** Returns values as of the last `sync` or later; within a transaction, as the transaction sees them. */
  async function get(owner: number, ids: Iterable<number>, tx?: Db | Tx) {
    if (tx && tx !== db) return load(owner, [...new Set(ids)], tx)
    const existing = cached.get(owner)
    const own = existing && existing.size < MAX_VALUES ? existing : begin(owner)
    const misses = new Set<number>()
    for (const id of ids) if (!own.has(id)) misses.add(id)
    if (misses.size === 0) return own
    const loaded = await load(owner, [...misses], db)
    if (cached.peek(owner) !== own || feed.isSuspended()) return new Map([...own, ...loaded])
    for (const [id, value] of loaded) own.set(id, value)
    return own
  }

  function begin(owner: number) {
    const own = new Map<number, Value>()
    if (!feed.isSuspended()) cached.set(owner, own)
    return own
  }

  return { get }
}
