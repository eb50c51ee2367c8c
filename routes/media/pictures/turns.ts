import pLimit from 'p-limit'

/**
 * Returns `run`, which runs at most `atOnce` works concurrently. When works of several owners wait, the owners
 * take turns, so that one owner's many works delay the work of another by no more than one.
 */
export function createTurns(atOnce: number) {
  const limit = pLimit(atOnce)
  /** Works that wait, by owner; the owner whose turn is next comes first. */
  const waiting = new Map<unknown, (() => Promise<void>)[]>()

  function run<T>(owner: unknown, work: () => Promise<T>) {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const works = waiting.get(owner) ?? []
    works.push(() => work().then(resolve, reject))
    waiting.set(owner, works)
    void limit(runNext)
    return promise
  }

  async function runNext() {
    const [[owner, works] = [undefined, []]] = waiting
    const work = works.shift()
    waiting.delete(owner)
    if (works.length > 0) waiting.set(owner, works)
    await work?.()
  }

  return { run, pending: () => limit.pendingCount }
}
