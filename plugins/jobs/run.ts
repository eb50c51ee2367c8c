import type { FastifyBaseLogger } from 'fastify'
import { describeError } from '../errors/log.ts'
import { createAttempts, LeaseLost } from './attempt.ts'
import type { Causes } from './cause.ts'
import type { Claim, Job, JobStore } from './store.ts'
import type { JobDefinition } from './types.ts'

export type WorkerOptions = {
  store: JobStore
  definitions: Map<string, JobDefinition>
  causes: Causes
  countAttempt: (labels: { name: string; outcome: 'done' | 'failed' | 'dead' }) => void
  log: FastifyBaseLogger
}

/** Seconds; doubles with each attempt up to `max`, and varies randomly by up to 50 % in both directions. */
const BACKOFF = { first: 1, max: 600 }

export function createRuns(
  { store, definitions, causes, countAttempt, log }: WorkerOptions,
  stopping: () => AbortSignal,
  onDone: (job: Claim) => void,
) {
  const attempt = createAttempts(store, stopping)

  async function fail(job: Job, token: string, definition: JobDefinition, error: Error) {
    const dead = job.attempts >= definition.maxAttempts && !definition.every
    const message = describeError(error).slice(0, 1000)
    log[dead ? 'error' : 'warn']({ err: error, job: job.id, name: job.name, dead }, 'job failed')
    countAttempt({ name: job.name, outcome: dead ? 'dead' : 'failed' })
    if (dead && !definition.keepDead) onDone({ id: job.id, token })
    else if (dead) await store.markDead(job.id, token, message)
    else await store.retry(job.id, token, backoff(job.attempts), message)
  }

  return async function run(job: Job, token: string) {
    const definition = definitions.get(job.name)
    if (!definition) return
    try {
      // Claiming counts the attempt, so a job that kills its process is dead eventually too.
      if (job.attempts > definition.maxAttempts && !definition.every) throw new Error('worker died')
      await causes.runAs(causeOf(job), () => attempt(job, token, definition))
      countAttempt({ name: job.name, outcome: 'done' })
      if (definition.every) await store.repeat(job.id, token, definition.every)
      else onDone({ id: job.id, token })
    } catch (error) {
      if (!(error instanceof LeaseLost)) await fail(job, token, definition, toError(error))
    }
  }
}

const causeOf = ({ account, level }: Job) => (account === null ? undefined : { account, level })

const toError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)))

const backoff = (attempts: number) =>
  Math.min(BACKOFF.first * 2 ** (attempts - 1), BACKOFF.max) * (0.5 + Math.random())
