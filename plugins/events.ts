import { EventEmitter } from 'node:events'
import type { EventPayloads, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { afterCommit, type Tx } from './db.ts'
import type { JobHandler, JobOptions } from './jobs/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    events: ReturnType<typeof createEvents>
  }
  /** Every event and its payload; a feature adds its own by declaration merging. */
  interface EventPayloads {}
}

export type EventName = keyof EventPayloads & string
type Listener<Name extends EventName> = (payload: EventPayloads[Name]) => void

function createEvents(app: FastifyInstance) {
  const durable = new Map<EventName, string[]>()
  const live = new EventEmitter().setMaxListeners(0)

  /**
   * Announces a fact in the transaction that makes it true: each durable subscriber gets a job in
   * that transaction, live listeners are called after its commit, none of it if it rolls back.
   */
  async function emit<Name extends EventName>(tx: Tx, name: Name, payload: EventPayloads[Name]) {
    await app.jobs.add(tx, durable.get(name) ?? [], payload)
    afterCommit(tx, () => notify(name, payload))
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
    options?: JobOptions,
  ) {
    app.jobs.define(jobName, handler, options)
    durable.set(name, [...(durable.get(name) ?? []), jobName])
  }

  /** Listens in this process, at most once, after commit. Returns the function that stops it. */
  function on<Name extends EventName>(name: Name, listener: Listener<Name>) {
    live.on(name, listener)
    return () => void live.off(name, listener)
  }

  return { emit, subscribe, on }
}

export default fp(
  async (app) => {
    app.decorate('events', createEvents(app))
  },
  { name: 'events', dependencies: ['jobs'] },
)
