import { EventEmitter } from 'node:events'
import type { EventPayloads, FastifyInstance, JobPayloads } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'
import { afterCommit as runAfterCommit } from './db/transaction.ts'
import type { JobHandler, JobName, JobNameFor, JobOptions } from './jobs/types.ts'

declare module 'fastify' {
  interface FastifyInstance {
    events: ReturnType<typeof createEvents>
  }
  /** Every event and its payload; a feature adds its own by declaration merging. */
  interface EventPayloads {}
}

/** Milliseconds for the statements of an extension's listener. */
const LISTENER_LIMIT = 30_000

export type EventName = keyof EventPayloads & string
/** Data for `when` that is not stored with the event: the text of a tweet, where the emitter knows it. */
export type EventDetails = { text?: string }
type SubscribeOptions<Payload> = JobOptions & {
  /** Returns false to write no job for an event. Must not depend on time. */
  when?: (payload: Payload, details: EventDetails) => boolean
}
type Durable = { jobName: JobName; when: (payload: never, details: EventDetails) => boolean }
type Hook<Name extends EventName> = (tx: Tx, payload: EventPayloads[Name]) => void
type Listener<Name extends EventName> = (payload: EventPayloads[Name]) => void

function createEvents(app: FastifyInstance) {
  const hooks = new Map<EventName, Hook<never>[]>()
  const durable = new Map<EventName, Durable[]>()
  const live = new EventEmitter().setMaxListeners(0)

  /**
   * Emits an event in the transaction that makes it true. Each subscriber gets a job in that transaction;
   * listeners are called after the commit. A rollback discards both.
   */
  async function emit<Name extends EventName>(
    tx: Tx,
    name: Name,
    payload: EventPayloads[Name],
    details: EventDetails = {},
  ) {
    for (const hook of hooks.get(name) ?? []) hook(tx, payload as never)
    // Stored without its payload type; `subscribe` takes only jobs that take the event's payload.
    const wanting = durable.get(name)?.filter(({ when }) => when(payload as never, details)) ?? []
    await app.jobs.add(
      tx,
      wanting.map(({ jobName }) => jobName),
      payload as never,
    )
    runAfterCommit(tx, () => notify(name, payload))
  }

  /** Calls the hook in the transaction of each event. For the kernel: an error of a hook fails the write. */
  function onEmit<Name extends EventName>(name: Name, hook: Hook<Name>) {
    hooks.set(name, [...(hooks.get(name) ?? []), hook])
  }

  function notify(name: string, payload: unknown) {
    for (const listener of live.listeners(name)) {
      Promise.try(listener as Listener<never>, payload as never).catch((error) =>
        app.log.error({ err: error, event: name }, 'an event listener failed'),
      )
    }
  }

  /**
   * Adds a durable subscriber, which runs as a job named `jobName`: at least once, in any order. Declare
   * the job in `JobPayloads`, with the event's payload or a part of it. The handler may run long after the event, so it must compare the payload with the current rows.
   * @throws Error when the job name is taken
   */
  function subscribe<Name extends EventName, Job extends JobNameFor<EventPayloads[Name]>>(
    name: Name,
    jobName: Job,
    handler: JobHandler<JobPayloads[Job]>,
    { when = () => true, ...options }: SubscribeOptions<EventPayloads[Name]> = {},
  ) {
    app.jobs.define(jobName, handler, options)
    durable.set(name, [...(durable.get(name) ?? []), { jobName, when }])
  }

  /**
   * Calls a listener in this process after the commit of each event, at most once. Returns a function
   * that removes the listener.
   */
  function afterCommit<Name extends EventName>(name: Name, listener: Listener<Name>) {
    const owned = app.features.own(
      async (payload: EventPayloads[Name]) => listener(payload),
      LISTENER_LIMIT,
    )
    live.on(name, owned)
    return () => void live.off(name, owned)
  }

  return { emit, onEmit, subscribe, afterCommit }
}

export default fp(
  async (app) => {
    app.decorate('events', createEvents(app))
  },
  { name: 'events', dependencies: ['jobs', 'features'] },
)
