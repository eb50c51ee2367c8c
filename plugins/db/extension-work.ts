import { AsyncLocalStorage } from 'node:async_hooks'

/** Code of an extension that runs now, and whatever it calls and awaits. */
export type ExtensionWork = {
  owner: string
  /** The name of the share of connections that it uses, see shares.ts. */
  share: string
  /** Its deadline, by `performance.now()`. */
  end: number
  /** False when the work has ended, or is not bound by its deadline. */
  isLate: () => boolean
}

const works = new AsyncLocalStorage<ExtensionWork | undefined>()

/** Undefined for work of the kernel and of built-in features. */
export const currentWork = () => works.getStore()

/** The extension whose code ran last, as far as its calls and statements tell; see event-loop.ts. */
export const lastRun = { owner: '', at: Number.NEGATIVE_INFINITY }

export function noteRun({ owner }: ExtensionWork) {
  lastRun.owner = owner
  lastRun.at = performance.now()
}

export function runAs<T>(work: ExtensionWork, callback: () => T) {
  noteRun(work)
  return works.run(work, callback)
}

/**
 * Runs what an extension starts for others as well: a query that several requests share, jobs, roll-ups.
 * Timers and promises keep the work in which they were created.
 */
export const outsideExtensions = <T>(callback: () => T) =>
  works.getStore() ? works.run(undefined, callback) : callback()

/** Runs a function of an extension, whose statements end after that many milliseconds. */
export async function runWithin<T>(
  { owner, share = owner }: { owner: string; share?: string },
  milliseconds: number,
  run: () => Promise<T>,
) {
  // A function within a function of the same extension keeps the earlier deadline.
  if (currentWork()?.owner === owner) return run()
  let isRunning = true
  const end = performance.now() + milliseconds
  try {
    return await runAs({ owner, share, end, isLate: () => isRunning }, run)
  } finally {
    isRunning = false
  }
}
