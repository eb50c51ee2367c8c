import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { LeaseLost } from './attempt.ts'
import type { JobDefinition } from './index.ts'
import { createRuns } from './run.ts'
import type { Held, Job, JobStore } from './store.ts'

/**
 * Jobs of the kernel's features at work at once in one process, and of each extension or other
 * lane: one whose handlers all hang keeps nobody else from working.
 */
const SLOTS = { kernel: 4, other: 2 }
/** Jobs of one name found by one look, which costs more than claiming one. */
const LOOK = 16
/** Milliseconds between looks when idle: how late a job of another process may start. */
const IDLE_POLL = 500
/**
 * Milliseconds that stopping waits for jobs at work; what is left runs again elsewhere. Fastify
 * throws when closing takes 10 s.
 */
const STOP_TIMEOUT = 8_000
export type WorkerOptions = {
  store: JobStore
  definitions: Map<string, JobDefinition>
  log: FastifyBaseLogger
}

export function createWorker({ store, definitions, log }: WorkerOptions) {
  const atWork = new Map<Promise<void>, string>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  /** Jobs that were due at the last look and wait for a free place; others may take them first. */
  let found: { id: number; name: string }[] = []
  /** Jobs that are through, and leave the list together with the next claim. */
  let done: Held[] = []
  /** Names of which jobs may be due that are not known yet. */
  const stale = new Set<string>()
  /** When all of them last were: what other processes add is found by that alone. */
  let lookedAt = Number.NEGATIVE_INFINITY
  /** Names that are being looked at: what is added meanwhile may not be seen. */
  let looking = new Set<string>()
  let stopped = true
  const run = createRuns(
    { store, definitions, log },
    () => stopping.signal,
    (job) => done.push(job),
  )

  function start() {
    stopped = false
    stopping = new AbortController()
    nudge()
  }

  /** Looks for due jobs now instead of at the next tick; of these names, if they are given. */
  function nudge(names?: string[]) {
    if (stopped) return
    // One of which jobs are known to wait has the next of them found when these are done.
    const isKnown = (name: string) => !looking.has(name) && found.some((one) => one.name === name)
    if (!names) markAll()
    else for (const name of names) if (definitions.has(name) && !isKnown(name)) stale.add(name)
    polling ??= poll().then((succeeded) => {
      polling = undefined
      if (succeeded && (isAny(stale) || done.length > 0 || isAny(found.map(nameOf)))) nudge([])
      else if (!stopped)
        timer = setTimeout(() => nudge(), IDLE_POLL * (0.75 + Math.random() / 2)).unref()
    })
  }

  async function poll() {
    clearTimeout(timer)
    try {
      if (performance.now() - lookedAt > IDLE_POLL) markAll()
      if (isAny(stale)) await look()
      for (let some = take(); some.length > 0 || done.length > 0; some = take())
        await exchange(stopped ? [] : some)
      return true
    } catch (error) {
      log.warn({ err: error }, 'looking for jobs failed; trying again')
      return false
    }
  }

  function markAll() {
    for (const name of definitions.keys()) stale.add(name)
    lookedAt = performance.now()
  }

  /** A name without a free place stays stale until there is one. */
  async function look() {
    const names = new Set([...stale].filter(isFree))
    for (const name of names) stale.delete(name)
    looking = names
    const due = await store.due([...names], LOOK)
    looking = new Set()
    found = shuffle([...found.filter(({ name }) => !names.has(name)), ...due])
  }

  /** As many as there are places for. */
  function take() {
    const places = new Map<string, number>()
    const free = (owner: string) => places.get(owner) ?? freePlaces(owner)
    const some = found.filter(({ name }) => {
      const owner = ownerOf(name)
      places.set(owner, free(owner) - 1)
      return free(owner) >= 0
    })
    const taken = new Set(some)
    found = found.filter((one) => !taken.has(one))
    // In one order everywhere, so that two workers rarely wait for each other.
    return some.sort((a, b) => a.id - b.id)
  }

  const ownerOf = (name: string) => definitions.get(name)?.owner ?? 'kernel'

  function freePlaces(owner: string) {
    const taken = [...atWork.values()].filter((one) => one === owner).length
    return (owner === 'kernel' ? SLOTS.kernel : SLOTS.other) - taken
  }

  const nameOf = ({ name }: { name: string }) => name
  const isFree = (name: string) => freePlaces(ownerOf(name)) > 0
  const isAny = (names: Iterable<string>) => [...names].some(isFree)

  async function exchange(some: { id: number; name: string }[]) {
    const leaving = done
    done = []
    const token = randomUUID()
    const ids = some.map(({ id }) => id)
    try {
      const jobs = await store.exchange(leaving, ids, token)
      for (const job of jobs) launch(job, token)
      // Where others were faster there may be more, of which nobody here will tell.
      const won = new Set(jobs.map(({ id }) => id))
      for (const { id, name } of some) if (!won.has(id)) stale.add(name)
    } catch (error) {
      done.push(...leaving)
      throw error
    }
  }

  function launch(job: Job, token: string) {
    const work = run(job, token)
      .catch((error) => log.warn({ err: error, job: job.id }, 'job left to its lease'))
      .finally(() => {
        atWork.delete(work)
        nudge([job.name])
      })
    atWork.set(work, ownerOf(job.name))
  }

  /** Takes no new jobs and waits for those at work. */
  async function stop() {
    stopped = true
    clearTimeout(timer)
    await polling
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const limit = setTimeout(resolve, STOP_TIMEOUT)
    await Promise.race([Promise.all(atWork.keys()).then(leave), late])
    clearTimeout(limit)
    stopping.abort(new LeaseLost('The process is about to end.'))
  }

  async function leave() {
    if (done.length === 0) return
    await exchange([]).catch((error) => log.warn({ err: error }, 'what is done will run again'))
  }

  return { start, nudge, stop }
}

const shuffle = <T>(items: T[]) =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
