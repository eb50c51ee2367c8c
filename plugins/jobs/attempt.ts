import { type Job, type JobStore, LEASE } from './store.ts'
import type { JobContext, JobDefinition } from './types.ts'

export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** One run of a job under its lease, until it is done, fails, takes too long or is lost. */
export function createAttempts(store: JobStore, stopping: () => AbortSignal) {
  return async function attempt(job: Job, token: string, { handler, timeout }: JobDefinition) {
    const controller = new AbortController()
    const signal = AbortSignal.any([controller.signal, stopping()])
    const lost = () => controller.abort(new LeaseLost('Another worker has taken this job over.'))
    const renewal = setInterval(
      () => {
        store.renew(job.id, token).then(
          (held) => held || lost(),
          () => {},
        )
      },
      (LEASE * 1000) / 3,
    )
    const overtime = setTimeout(
      () => controller.abort(new Error(`took longer than ${timeout} s`)),
      timeout * 1000,
    )
    const context: JobContext = {
      attempt: job.attempts,
      progress: job.progress,
      signal,
      save: async (progress) => {
        signal.throwIfAborted()
        if (!(await store.save(job.id, token, progress))) lost()
        signal.throwIfAborted()
      },
    }
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    try {
      // The payload is what `add` was given under this name.
      await Promise.race([handler(job.payload as never, context), aborted])
    } finally {
      // A signal that is listened to lives as long as the one it follows, which is the process's.
      signal.removeEventListener('abort', abort)
      clearInterval(renewal)
      clearTimeout(overtime)
    }
  }
}
