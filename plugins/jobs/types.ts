export type JobContext = {
  /** 1 for the first run. */
  attempt: number
  /** What the last run saved, or null. */
  progress: unknown
  /** Keeps how far the work has come. @throws LeaseLost when another worker has taken over. */
  save: (progress: unknown) => Promise<void>
  /** Aborts when the lease is lost or the time is up; long handlers watch it. */
  signal: AbortSignal
}
export type JobHandler<Payload> = (payload: Payload, context: JobContext) => Promise<void>
export type JobOptions = {
  /** Runs before the job is kept as dead. */
  maxAttempts?: number
  /** Seconds one run may take. */
  timeout?: number
  /** Places of its own beside Birdhouse's, so that what waits for one store delays nothing else. */
  lane?: string
}
export type JobDefinition = Required<Omit<JobOptions, 'lane'>> & {
  handler: JobHandler<never>
  /** Whose slots it takes. */
  owner: string
  /** Seconds between runs of a recurring job. */
  every?: number
}
