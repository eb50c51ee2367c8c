import { randomUUID } from 'node:crypto'
import { LeaseLost } from './attempt.ts'
import { createRuns, type WorkerOptions } from './run.ts'
import type { Claim, Job } from './store.ts'

/**
 * Jobs of the kernel's features at work at once in one process, and of each extension or other
 * lane: one whose handlers all hang keeps nobody else from working.
 */
const SLOTS = { kernel: 4, other: 2 }
/** Due jobs read per name and poll; reading costs more than claiming. */
const JOBS_PER_NAME = 16
/** Milliseconds between polls when idle: how late a job of another process may start. */
const IDLE_POLL = 500
/**
 * Milliseconds that stopping waits for jobs at work; what is left runs again elsewhere. Fastify
 * throws when closing takes 10 s.
 */
const STOP_TIMEOUT = 8_000
export function createWorker({ store, definitions, log }: WorkerOptions) {
  const atWork = new Map<Promise<void>, string>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  /** Due jobs that wait for a free slot; another process may claim them first. */
  let found: { id: number; name: string }[] = []
  /** Completed jobs, whose rows are deleted with the next claim. */
  let done: Claim[] = []
  /** Job names to poll again. */
  const namesToPoll = new Set<string>()
  /** When all names were last polled, which alone finds the jobs that other processes add. */
  let polledAllAt = Number.NEGATIVE_INFINITY
  /** Names that are being polled; a job that is added meanwhile may be missed. */
  let reading = new Set<string>()
  let stopped = true
  const run = createRuns(
    { store, definitions, log },
    () => stopping.signal,
    (job) => done.push(job),
  )

  function start() {
    stopped = false
    stopping = new AbortController()
    wake()
  }

  /** Polls for due jobs now instead of at the next tick; only for these names, when they are given. */
  function wake(names?: string[]) {
    if (stopped) return
    // A name with jobs that wait already is polled again when these are done.
    const isKnown = (name: string) => !reading.has(name) && found.some((one) => one.name === name)
    if (!names) markAll()
    else
      for (const name of names) if (definitions.has(name) && !isKnown(name)) namesToPoll.add(name)
    polling ??= poll().then((succeeded) => {
      polling = undefined
      if (succeeded && (hasFree(namesToPoll) || done.length > 0 || hasFree(found.map(nameOf))))
        wake([])
      else if (!stopped)
        timer = setTimeout(() => wake(), IDLE_POLL * (0.75 + Math.random() / 2)).unref()
    })
  }

  async function poll() {
    clearTimeout(timer)
    try {
      if (performance.now() - polledAllAt > IDLE_POLL) markAll()
      if (hasFree(namesToPoll)) await readDue()
      for (let some = take(); some.length > 0 || done.length > 0; some = take())
        await completeAndClaim(stopped ? [] : some)
      return true
    } catch (error) {
      log.warn({ err: error }, 'looking for jobs failed; trying again')
      return false
    }
  }

  function markAll() {
    for (const name of definitions.keys()) namesToPoll.add(name)
    polledAllAt = performance.now()
  }

  /** A name without a free slot stays in `namesToPoll` until there is one. */
  async function readDue() {
    const names = new Set([...namesToPoll].filter(isFree))
    for (const name of names) namesToPoll.delete(name)
    reading = names
    const due = await store.due([...names], JOBS_PER_NAME)
    reading = new Set()
    found = shuffle([...found.filter(({ name }) => !names.has(name)), ...due])
  }

  /** Takes as many of the found jobs as there are free slots. */
  function take() {
    const slots = new Map<string, number>()
    const free = (owner: string) => slots.get(owner) ?? freeSlots(owner)
    const some = found.filter(({ name }) => {
      const owner = ownerOf(name)
      slots.set(owner, free(owner) - 1)
      return free(owner) >= 0
    })
    const taken = new Set(some)
    found = found.filter((one) => !taken.has(one))
    // The same order everywhere, so that two workers rarely wait for each other's locks.
    return some.sort((a, b) => a.id - b.id)
  }

  const ownerOf = (name: string) => definitions.get(name)?.owner ?? 'kernel'

  function freeSlots(owner: string) {
    const taken = [...atWork.values()].filter((one) => one === owner).length
    return (owner === 'kernel' ? SLOTS.kernel : SLOTS.other) - taken
  }

  const nameOf = ({ name }: { name: string }) => name
  const isFree = (name: string) => freeSlots(ownerOf(name)) > 0
  const hasFree = (names: Iterable<string>) => [...names].some(isFree)

  async function completeAndClaim(some: { id: number; name: string }[]) {
    const leaving = done
    done = []
    const token = randomUUID()
    const ids = some.map(({ id }) => id)
    try {
      const jobs = await store.completeAndClaim(leaving, ids, token)
      for (const job of jobs) launch(job, token)
      // Another process was faster for these names, and may have added more.
      const won = new Set(jobs.map(({ id }) => id))
      for (const { id, name } of some) if (!won.has(id)) namesToPoll.add(name)
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
        wake([job.name])
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
    await completeAndClaim([]).catch((error) =>
      log.warn({ err: error }, 'what is done will run again'),
    )
  }

  return { start, wake, stop }
}

const shuffle = <T>(items: T[]) =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
