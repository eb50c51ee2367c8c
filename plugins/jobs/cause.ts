import { AsyncLocalStorage } from 'node:async_hooks'
import { LRUCache } from 'lru-cache'

/** The account whose act adds jobs; `level` is that of the job that runs, which its own jobs inherit. */
export type Cause = { account: number; level: number }

/** Jobs of one account in a window, above which its further jobs have the next level. */
const MOST_OF_LEVEL = [100, 1_000]
/** Jobs of lower levels come first. */
export const LEVELS = Array.from({ length: MOST_OF_LEVEL.length + 1 }, (_, level) => level)
/** Milliseconds. */
const WINDOW = 60_000
/** Accounts that are counted; beyond it, the oldest begin again. */
const ACCOUNTS = 10_000

/** Knows which account adds jobs, and gives the jobs of an account that adds many a higher level. */
export function createCauses() {
  const causes = new AsyncLocalStorage<Cause | undefined>()
  const counts = new LRUCache<number, { jobs: number }>({ max: ACCOUNTS, ttl: WINDOW })

  /** Counts new jobs for the account that adds them; each process counts on its own. */
  function count(jobs: number) {
    const cause = causes.getStore()
    if (!cause) return { account: null, level: 0 }
    const counted = counts.get(cause.account) ?? { jobs: 0 }
    if (counted.jobs === 0) counts.set(cause.account, counted)
    counted.jobs += jobs
    const own = MOST_OF_LEVEL.filter((most) => counted.jobs > most).length
    return { account: cause.account, level: Math.max(own, cause.level) }
  }

  /** Runs work whose jobs are those of this account, or of none. */
  const runAs = <T>(cause: Cause | undefined, work: () => T) => causes.run(cause, work)

  return { count, runAs }
}

export type Causes = ReturnType<typeof createCauses>
