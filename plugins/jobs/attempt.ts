import { type Job, type JobStore, LEASE } from './store.ts'
import type { JobContext, JobDefinition } from './types.ts'

export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

/** Runs a job once, until the handler ends, the timeout passes or the lease is lost. */
export function createAttempts(store: JobStore, stopping: () => AbortSignal) {
  return async function attempt(job: Job, token: string, { handler, timeout }: JobDefinition) {
    const payload = JSON.parse(job.payload)
    const progress = JSON.parse(job.progress ?? 'null')
    const controller = new AbortController()
    const signal = AbortSignal.any([controller.signal, stopping()])
    const lost = () => controller.abort(new LeaseLost('Another worker has claimed this job.'))
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
      progress,
      signal,
      save: async (value) => {
        signal.throwIfAborted()
        if (!(await store.save(job.id, token, value))) lost()
        signal.throwIfAborted()
      },
    }
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    try {
      await Promise.race([handler(payload as never, context), aborted])
    } catch (error) {
      // A batch gives its error to each of its jobs; this one still has its lease.
      if (error instanceof LeaseLost && !signal.aborted)
        throw new Error('Another job of the batch has lost its lease.')
      throw error
    } finally {
      // With a listener, the signal would live as long as the `stopping` signal of the process.
      signal.removeEventListener('abort', abort)
      clearInterval(renewal)
      clearTimeout(overtime)
    }
  }
}
