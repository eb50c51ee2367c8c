import type { FastifyInstance, JobPayloads } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from '../db/client.ts'
import { afterCommit } from '../db/transaction.ts'
import { createCauses } from './cause.ts'
import { merging } from './merging.ts'
import { createAttemptCounter, measureQueue } from './metrics.ts'
import { createJobStore } from './store.ts'
import type {
  JobDefinition,
  JobHandler,
  JobName,
  JobNameFor,
  JobOptions,
  PayloadFor,
} from './types.ts'

import { createWorker } from './worker.ts'

declare module 'fastify' {
  interface FastifyInstance {
    jobs: ReturnType<typeof createJobs>
  }
}

/** `timeout` is in seconds. */
const DEFAULTS = { maxAttempts: 12, timeout: 300, batch: 1, keepDead: true }

function createJobs(app: FastifyInstance) {
  const definitions = new Map<string, JobDefinition>()
  const store = createJobStore(app.db, app.transaction)
  const causes = createCauses()
  const countAttempt = createAttemptCounter(app)
  const worker = createWorker({ store, definitions, causes, countAttempt, log: app.log })
  measureQueue(app)

  /**
   * Sets the handler of the jobs with this name. A job that fails runs again after 1 s, 2 s and so on up to
   * 10 min, until `maxAttempts`. @throws Error when the name is taken
   */
  function define<Name extends JobName>(
    name: Name,
    handler: JobHandler<JobPayloads[Name]>,
    options?: JobOptions,
  ) {
    if (definitions.has(name)) throw new Error(`The job name ${name} is taken; choose another.`)
    const { lane = 'kernel', ...limits } = options ?? {}
    const { timeout } = { ...DEFAULTS, ...limits }
    // Stored without its payload type; the job's name ties `add` and `define` to one type.
    const owned = app.features.own(handler as JobHandler<never>, timeout * 1000, 'jobs')
    const definition = { ...DEFAULTS, ...limits, handler: owned }
    const { name: feature, extension } = app.features.current()
    definitions.set(name, { ...definition, owner: extension ? feature : lane })
  }

  /**
   * Runs `handler` every `seconds` seconds, in one process at a time. The saved progress is kept until a
   * run succeeds. @throws Error when the name is taken
   */
  function every<Name extends JobNameFor<object>>(
    name: Name,
    seconds: number,
    handler: JobHandler<JobPayloads[Name]>,
    options?: JobOptions,
  ) {
    define(name, handler, options)
    Object.assign(definitions.get(name) ?? {}, { every: seconds })
  }

  /**
   * Adds a job for each name in the caller's transaction; `delay` is in seconds.
   * @throws Error when no job of that name is defined: nothing would ever run it
   */
  async function add<Name extends JobName>(
    tx: Tx,
    names: Name[],
    payload: PayloadFor<Name>,
    { delay = 0 } = {},
  ) {
    if (names.length === 0) return
    const unknown = names.find((name) => !definitions.has(name))
    if (unknown !== undefined) {
      throw new Error(`No job is called ${unknown}; define it with app.jobs.define in service.`)
    }
    store.insert(tx, names, payload, { ...causes.count(names.length), delay })
    if (delay === 0) afterCommit(tx, () => worker.wake(names))
  }

  async function start() {
    for (const [name, { every }] of definitions) if (every) await store.ensureRecurring(name)
    worker.start()
  }

  /**
   * Runs work whose jobs are those of this account. A request of a signed-in user and a job do so by
   * themselves; a job that merges the work of several must say whose jobs it adds.
   */
  const causedBy = <T>(account: number, work: () => T) => causes.runAs({ account, level: 0 }, work)

  const jobs = {
    define,
    every,
    add,
    merging,
    causedBy,
    countDead: store.countDead,
    start,
    stop: worker.stop,
  }
  definitionsOf.set(jobs, definitions)
  return jobs
}

const definitionsOf = new WeakMap<object, ReadonlyMap<string, JobDefinition>>()

/** For tests that run a handler themselves, see `runJob` in test/helper.ts. */
export const definitionOf = ({ jobs }: FastifyInstance, name: JobName) =>
  definitionsOf.get(jobs)?.get(name)

export default fp(
  async (app) => {
    app.decorate('jobs', createJobs(app))
    app.addHook('preClose', () => app.jobs.stop())
    // After the body has been read, because its events lose the context of the request.
    app.addHook('preValidation', ({ viewerId }, _reply, done) => {
      if (viewerId === undefined) done()
      else app.jobs.causedBy(viewerId, done)
    })
  },
  { name: 'jobs', dependencies: ['db', 'features', 'metrics'] },
)
