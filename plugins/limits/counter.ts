import type { Limit } from '../config/limits.ts'
import type { SharedStore } from './shared-store.ts'

/** A request that was counted: `remaining` more may follow in the `seconds` that are left of the window. */
export type Counted = { limit: Limit; isRefused: boolean; remaining: number; seconds: number }

/** The part of a quota that this process may spend; `elsewhere` is what the store has left for all processes. */
type Allowance = { left: number; elsewhere: number; endsAt: number; isLast: boolean }

/** Keys that one limit remembers, at most; above it, the oldest are forgotten and count from zero. */
const MAX_KEYS = 100_000
/** Parts of a quota; a process takes one part at a time from the store. */
const PARTS = 50

/**
 * Counts the requests of each key in fixed windows. Without a store the process counts alone. With a store the
 * processes take parts of the quota from it, so that all of them together never exceed the quota, and each
 * leaves less than one part unused. A process that cannot reach the store counts alone for one window.
 */
export function createCounter(limit: Limit, store?: SharedStore) {
  const { quota, seconds } = limit
  const share = Math.max(1, Math.floor(quota / PARTS))
  const allowances = new Map<string, Allowance>()
  const claims = new Map<string, Promise<void>>()
  const add = store?.counterOf(limit)

  /** Counts one request; answers at once, unless a part has to be taken from the store. */
  function count(key: string): Counted | Promise<Counted> {
    const now = performance.now()
    let allowance = allowances.get(key)
    if (!allowance || allowance.endsAt <= now) {
      if (add) return claim(key, add)
      allowance = remember(key, alone(now))
    }
    if (allowance.left === 0 && !allowance.isLast && add) return claim(key, add)
    const isRefused = allowance.left === 0
    if (!isRefused) allowance.left--
    const { left, elsewhere, endsAt } = allowance
    const wait = Math.ceil(Math.round(endsAt - now) / 1000)
    return { limit, isRefused, remaining: left + elsewhere, seconds: wait }
  }

  const alone = (now: number) => ({
    left: quota,
    elsewhere: 0,
    endsAt: now + seconds * 1000,
    isLast: true,
  })

  /** Requests of the same key that arrive meanwhile share one claim. */
  async function claim(key: string, add: ReturnType<SharedStore['counterOf']>): Promise<Counted> {
    const claiming = claims.get(key) ?? take(key, add).finally(() => claims.delete(key))
    claims.set(key, claiming)
    await claiming
    return count(key)
  }

  async function take(key: string, add: ReturnType<SharedStore['counterOf']>) {
    const added = await add(key, share).catch(() => undefined)
    const now = performance.now()
    if (!added) return void remember(key, alone(now))
    const left = Math.min(share, Math.max(0, quota - added.total + share))
    const elsewhere = Math.max(0, quota - added.total)
    remember(key, { left, elsewhere, endsAt: now + added.milliseconds, isLast: left < share })
  }

  /** Windows of one limit are equally long, so the keys that were added first end first. */
  function remember(key: string, allowance: Allowance) {
    const now = performance.now()
    allowances.delete(key)
    for (const [oldest, { endsAt }] of allowances) {
      if (endsAt > now && allowances.size < MAX_KEYS) break
      allowances.delete(oldest)
    }
    allowances.set(key, allowance)
    return allowance
  }

  return { limit, count }
}

export type Counter = ReturnType<typeof createCounter>
