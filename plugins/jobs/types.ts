import type { JobPayloads } from 'fastify'

declare module 'fastify' {
  /** Every job and its payload, `object` for a recurring job; a feature adds its own by declaration merging. */
  interface JobPayloads {}
}

export type JobName = keyof JobPayloads & string
/** The names of jobs that take this payload. */
export type JobNameFor<Payload> = {
  [Name in JobName]: Payload extends JobPayloads[Name] ? Name : never
}[JobName]
/** A payload that the jobs of all these names take. */
export type PayloadFor<Name extends JobName> = {
  [N in Name]: (payload: JobPayloads[N]) => void
}[Name] extends (payload: infer Payload) => void
  ? Payload
  : never

export type JobContext = {
  /** 1 for the first run. */
  attempt: number
  /** The progress that an earlier run saved, or null. */
  progress: unknown
  /** Saves progress for the next run, renews the lease. @throws LeaseLost when another worker has the job */
  save: (progress: unknown) => Promise<void>
  /** Aborts when the lease is lost, the timeout passes or the process stops; long handlers must check it. */
  signal: AbortSignal
}
export type JobHandler<Payload> = (payload: Payload, context: JobContext) => Promise<unknown>
export type JobOptions = {
  /** Runs before the job is dead; 12 by default. */
  maxAttempts?: number
  /** Most seconds of one run; 300 by default. */
  timeout?: number
  /** Name of a lane with its own slots, so that jobs that wait for one store do not delay others. */
  lane?: string
  /**
   * Due jobs of this name that run at once in one slot, for a handler that merges its work; 1 by default.
   * A job that runs again runs alone.
   */
  batch?: number
  /** False for a payload that names a person: a job that has failed too often is deleted, not kept as dead. */
  keepDead?: boolean
}
export type JobDefinition = Required<Omit<JobOptions, 'lane'>> & {
  handler: JobHandler<never>
  /** The extension or lane whose slots the job takes. */
  owner: string
  /** Seconds between runs of a recurring job. */
  every?: number
}
