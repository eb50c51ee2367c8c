import { LRUCache } from 'lru-cache'
import type { Db, Tx } from '../db.ts'
import type { Feed } from './feed.ts'

/** Milliseconds after which what was written past the service, by hand for example, is seen. */
export const LIFE = 60_000

export type ItemOptions<Value> = {
  /** The values of these ids; those without one are left out, and remembered as such. */
  load: (ids: number[], db: Db | Tx) => Promise<Map<number, Value>>
  /** Ids that are remembered. */
  max: number
}

/** What belongs to an id alone. Everyone gets the same value, so whoever gets it leaves it as it is. */
export function createItems<Value>(
  db: Db,
  feed: Feed,
  topic: string,
  { load, max }: ItemOptions<Value>,
) {
  const kept = new LRUCache<number, { value: Value | undefined }>({ max, ttl: LIFE })
  const loads = new Set<Load<Value>>()
  let next: Load<Value> | undefined

  feed.listen(topic, {
    forget: (id) => {
      kept.delete(id)
      for (const one of loads) one.outdated.add(id)
    },
    forgetAll: () => {
      kept.clear()
      for (const one of loads) one.forgotten = true
    },
  })

  /** As of the last `fresh` or later; in a transaction as that sees it. */
  async function get(ids: Iterable<number>, tx?: Db | Tx): Promise<Map<number, Value>> {
    if (tx && tx !== db) return load([...new Set(ids)], tx)
    const found = new Map<number, Value>()
    const unknown: number[] = []
    for (const id of ids) {
      const one = kept.get(id)
      if (!one) unknown.push(id)
      else if (one.value !== undefined) found.set(id, one.value)
    }
    if (unknown.length === 0) return found
    const loaded = await loadTogether(unknown)
    for (const id of unknown) {
      const value = loaded.get(id)
      if (value !== undefined) found.set(id, value)
    }
    return found
  }

  /** Who misses something in the same turn of the event loop loads it with one statement. */
  function loadTogether(ids: number[]) {
    next ??= begin()
    for (const id of ids) next.ids.add(id)
    return next.values
  }

  function begin() {
    const one: Load<Value> = {
      ids: new Set(),
      outdated: new Set(),
      forgotten: false,
      values: run(),
    }
    loads.add(one)
    return one

    async function run() {
      await new Promise(setImmediate)
      next = undefined
      try {
        const values = await load([...one.ids], db)
        if (!one.forgotten && !feed.isBlind()) keep(one, values)
        return values
      } finally {
        loads.delete(one)
      }
    }
  }

  function keep({ ids, outdated }: Load<Value>, values: Map<number, Value>) {
    for (const id of ids) if (!outdated.has(id)) kept.set(id, { value: values.get(id) })
  }

  return { get, forget: (id: number) => void kept.delete(id) }
}

type Load<Value> = {
  ids: Set<number>
  /** What has changed since the load began, so that nobody knows what it has seen. */
  outdated: Set<number>
  forgotten: boolean
  values: Promise<Map<number, Value>>
}
