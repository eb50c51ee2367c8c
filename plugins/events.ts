import { EventEmitter } from 'node:events'
import type { EventPayloads, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'
import { afterCommit as runAfterCommit } from './db/transaction.ts'
import type { JobHandler, JobOptions } from './jobs/types.ts'

declare module 'fastify' {
  interface FastifyInstance {
    events: ReturnType<typeof createEvents>
  }
  /** Every event and its payload; a feature adds its own by declaration merging. */
  interface EventPayloads {}
}

export type EventName = keyof EventPayloads & string
/** What is known when an event is emitted, and not kept with it. */
export type EventDetails = { text?: string }
type SubscribeOptions<Payload> = JobOptions & {
  /** False where there is nothing to do, so that no job is written; must not depend on time. */
  when?: (payload: Payload, details: EventDetails) => boolean
}
type Durable = { jobName: string; when: (payload: never, details: EventDetails) => boolean }
type Listener<Name extends EventName> = (payload: EventPayloads[Name]) => void

function createEvents(app: FastifyInstance) {
  const durable = new Map<EventName, Durable[]>()
  const live = new EventEmitter().setMaxListeners(0)

  /**
   * Announces a fact in the transaction that makes it true: each durable subscriber gets a job in
   * that transaction, live listeners are called after its commit, none of it if it rolls back.
   */
  async function emit<Name extends EventName>(
    tx: Tx,
    name: Name,
    payload: EventPayloads[Name],
    details: EventDetails = {},
  ) {
    // Kept without its payload type; `subscribe` and `emit` agree on it by the name.
    const wanting = durable.get(name)?.filter(({ when }) => when(payload as never, details)) ?? []
    await app.jobs.add(
      tx,
      wanting.map(({ jobName }) => jobName),
      payload,
    )
    runAfterCommit(tx, () => notify(name, payload))
  }

  function notify(name: string, payload: unknown) {
    for (const listener of live.listeners(name)) {
      // In an async function what is thrown at once and what is thrown later end alike.
      const hear = async () => listener(payload)
      hear().catch((error) => app.log.error({ err: error, event: name }, 'live listener failed'))
    }
  }

  /**
   * Subscribes durably, at least once and in any order, under a job name of its own. The handler
   * compares with the rows as they are now; it may run long after the event.
   */
  function subscribe<Name extends EventName>(
    name: Name,
    jobName: string,
    handler: JobHandler<EventPayloads[Name]>,
    { when = () => true, ...options }: SubscribeOptions<EventPayloads[Name]> = {},
  ) {
    app.jobs.define(jobName, handler, options)
    durable.set(name, [...(durable.get(name) ?? []), { jobName, when }])
  }

  /**
   * Calls a listener in this process after the commit of each event, at most once. Returns the function
   * that removes the listener.
   */
  function afterCommit<Name extends EventName>(name: Name, listener: Listener<Name>) {
    live.on(name, listener)
    return () => void live.off(name, listener)
  }

  return { emit, subscribe, afterCommit }
}

export default fp(
  async (app) => {
    app.decorate('events', createEvents(app))
  },
  { name: 'events', dependencies: ['jobs'] },
)
