import { LRUCache } from 'lru-cache'
import type { Db, Tx } from '../db.ts'
import type { Feed } from './feed.ts'
import { LIFE } from './items.ts'

/** Values one owner may have; more are begun anew. */
const MOST = 2_000

export type PairOptions<Value> = {
  /** The values of these ids for the owner; every one of them must have one. */
  load: (owner: number, ids: number[], db: Db | Tx) => Promise<Map<number, Value>>
  /** Owners that are remembered. */
  max: number
}

/** What someone has to do with other things: forgotten all at once when it is the owner that changes. */
export function createPairs<Value>(
  db: Db,
  feed: Feed,
  topic: string,
  { load, max }: PairOptions<Value>,
) {
  const kept = new LRUCache<number, Map<number, Value>>({ max, ttl: LIFE })
  // A load that ends after its owner was forgotten finds another map, or none, in the place of its own.
  feed.listen(topic, { forget: (owner) => kept.delete(owner), forgetAll: () => kept.clear() })

  /** As of the last `fresh` or later; in a transaction as that sees it. */
  async function get(owner: number, ids: Iterable<number>, tx?: Db | Tx) {
    if (tx && tx !== db) return load(owner, [...new Set(ids)], tx)
    const known = kept.get(owner)
    const own = known && known.size < MOST ? known : begin(owner)
    const unknown = new Set<number>()
    for (const id of ids) if (!own.has(id)) unknown.add(id)
    if (unknown.size === 0) return own
    const loaded = await load(owner, [...unknown], db)
    if (kept.peek(owner) !== own || feed.isBlind()) return new Map([...own, ...loaded])
    for (const [id, value] of loaded) own.set(id, value)
    return own
  }

  function begin(owner: number) {
    const own = new Map<number, Value>()
    if (!feed.isBlind()) kept.set(owner, own)
    return own
  }

  return { get }
}
