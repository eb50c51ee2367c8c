import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { describeError } from '../errors.ts'
import type { JobContext, JobDefinition } from './index.ts'
import { type Job, type JobStore, LEASE } from './store.ts'

/**
 * Jobs of the kernel's features at work at once in one process, and of each extension: one whose
 * handlers all hang keeps nobody else from working.
 */
const SLOTS = { kernel: 4, extension: 2 }
/** Milliseconds between looks when idle: how late a job of another process may start. */
const IDLE_POLL = 500
/**
 * Milliseconds that stopping waits for jobs at work; what is left runs again elsewhere. Fastify
 * throws when closing takes 10 s.
 */
const STOP_TIMEOUT = 8_000
/** Seconds; doubles with each attempt up to the maximum, then varies by half either way. */
const BACKOFF = { first: 1, max: 600 }

export class LeaseLost extends Error {
  override name = 'LeaseLost'
}

type Options = {
  store: JobStore
  definitions: Map<string, JobDefinition>
  log: FastifyBaseLogger
}

export function createWorker({ store, definitions, log }: Options) {
  const atWork = new Map<Promise<void>, string>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let again = false
  let stopped = true

  function start() {
    stopped = false
    stopping = new AbortController()
    nudge()
  }

  /** Looks for due jobs now instead of at the next tick. */
  function nudge() {
    if (stopped) return
    again = true
    polling ??= poll().finally(() => {
      polling = undefined
      if (again) nudge()
      else if (!stopped) timer = setTimeout(nudge, IDLE_POLL * (0.75 + Math.random() / 2)).unref()
    })
  }

  async function poll() {
    clearTimeout(timer)
    again = false
    const names = [...definitions].filter(([, { owner }]) => free(owner) > 0).map(([name]) => name)
    if (names.length === 0) return
    try {
      for (const { id, name } of shuffle(await store.due(names, SLOTS.kernel))) {
        if (stopped) return
        if (free(definitions.get(name)?.owner) > 0) await tryJob(id)
      }
    } catch (error) {
      log.warn({ err: error }, 'looking for jobs failed; trying again')
    }
  }

  function free(owner = 'kernel') {
    const taken = [...atWork.values()].filter((one) => one === owner).length
    return (owner === 'kernel' ? SLOTS.kernel : SLOTS.extension) - taken
  }

  /** One row that can't be read must not keep the others from being found. */
  async function tryJob(id: number) {
    try {
      const token = randomUUID()
      const job = await store.claim(id, token)
      if (job) launch(job, token)
    } catch (error) {
      log.warn({ err: error, job: id }, 'claiming a job failed; it is due again later')
    }
  }

  function launch(job: Job, token: string) {
    const work = run(job, token)
      .catch((error) => log.warn({ err: error, job: job.id }, 'job left to its lease'))
      .finally(() => {
        atWork.delete(work)
        nudge()
      })
    atWork.set(work, definitions.get(job.name)?.owner ?? 'kernel')
  }

  async function run(job: Job, token: string) {
    const definition = definitions.get(job.name)
    if (!definition) return
    try {
      // The attempt was counted when claimed, so one that kills its process ends dead as well.
      if (job.attempts > definition.maxAttempts && !definition.every) throw new Error('worker died')
      await attempt(job, token, definition)
      if (definition.every) await store.repeat(job.id, token, definition.every)
      else await store.remove(job.id, token)
    } catch (error) {
      if (!(error instanceof LeaseLost)) await fail(job, token, definition, toError(error))
    }
  }

  async function attempt(job: Job, token: string, { handler, timeout }: JobDefinition) {
    const controller = new AbortController()
    const signal = AbortSignal.any([controller.signal, stopping.signal])
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
    try {
      // The payload is what `add` was given under this name.
      await Promise.race([handler(job.payload as never, context), aborted(signal)])
    } finally {
      clearInterval(renewal)
      clearTimeout(overtime)
    }
  }

  async function fail(job: Job, token: string, definition: JobDefinition, error: Error) {
    const dead = job.attempts >= definition.maxAttempts && !definition.every
    const message = describeError(error).slice(0, 1000)
    log[dead ? 'error' : 'warn']({ err: error, job: job.id, name: job.name, dead }, 'job failed')
    if (dead) await store.bury(job.id, token, message)
    else await store.retry(job.id, token, backoff(job.attempts), message)
  }

  /** Takes no new jobs and waits for those at work. */
  async function stop() {
    stopped = true
    clearTimeout(timer)
    await polling
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const limit = setTimeout(resolve, STOP_TIMEOUT)
    await Promise.race([Promise.all(atWork.keys()), late])
    clearTimeout(limit)
    stopping.abort(new LeaseLost('The process is about to end.'))
  }

  return { start, nudge, stop }
}

/** Anything can be thrown; whatever it is, the job has failed. */
const toError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)))

const backoff = (attempts: number) =>
  Math.min(BACKOFF.first * 2 ** (attempts - 1), BACKOFF.max) * (0.5 + Math.random())

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const shuffle = <T>(items: T[]) =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
