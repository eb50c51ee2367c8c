import { randomUUID } from 'node:crypto'
import { LeaseLost } from './attempt.ts'
import { shuffle, toBatches } from './batches.ts'
import { createRuns, type WorkerOptions } from './run.ts'
import type { Claim, Job } from './store.ts'

/**
 * Concurrent jobs per process, for the kernel and for each extension or other lane, so that hanging
 * handlers of one lane do not block the others.
 */
const SLOTS = { kernel: 4, other: 2 }
/** Due jobs read per name and poll, more than the slots, because reading costs more than claiming. */
const JOBS_PER_NAME = 16
/** Milliseconds between polls for all names; only they find the jobs that other processes add. */
const IDLE_POLL = 1_000
/**
 * Milliseconds that stopping waits for running jobs; unfinished jobs run again later. Must stay below the
 * 10 s after which Fastify fails to close.
 */
const STOP_TIMEOUT = 8_000

type Candidate = Pick<Job, 'id' | 'name' | 'attempts'>

export function createWorker(options: WorkerOptions) {
  const { store, definitions, log } = options
  const running = new Map<Promise<unknown>, string>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  /** Due jobs that wait for a free slot; another process may claim them first. */
  let found: Candidate[] = []
  /** Completed jobs, whose rows are deleted with the next claim. */
  let done: Claim[] = []
  /** Names that probably have due jobs. */
  const namesToPoll = new Set<string>()
  let polledAllAt = Number.NEGATIVE_INFINITY
  /** Names that are being polled; the poll may miss a job that is added meanwhile. */
  let reading = new Set<string>()
  let stopped = true
  const run = createRuns(
    options,
    () => stopping.signal,
    (job) => done.push(job),
  )

  function start() {
    stopped = false
    stopping = new AbortController()
    polledAllAt = Number.NEGATIVE_INFINITY
    wake([])
  }

  /** Polls for due jobs of these names now. */
  function wake(names: string[]) {
    if (stopped) return
    // A name whose found jobs still wait for a slot is polled again after them.
    const isWaiting = (name: string) => !reading.has(name) && found.some((job) => job.name === name)
    for (const name of names) if (definitions.has(name) && !isWaiting(name)) namesToPoll.add(name)
    polling ??= poll().then((succeeded) => {
      polling = undefined
      if (succeeded && (hasFree(namesToPoll) || done.length > 0 || hasFree(found.map(nameOf))))
        wake([])
      else if (!stopped)
        timer = setTimeout(() => wake([]), IDLE_POLL * (1 + Math.random() / 4)).unref()
    })
  }

  async function poll() {
    clearTimeout(timer)
    try {
      if (performance.now() - polledAllAt > IDLE_POLL) await pollAll()
      if (hasFree(namesToPoll)) await readDue()
      for (let jobs = take(); jobs.length > 0 || done.length > 0; jobs = take())
        await completeAndClaim(stopped ? [] : jobs)
      return true
    } catch (error) {
      log.warn({ err: error }, 'polling for jobs failed; trying again')
      return false
    }
  }

  async function pollAll() {
    polledAllAt = performance.now()
    for (const name of await store.dueNames()) if (definitions.has(name)) namesToPoll.add(name)
  }

  /** A name without a free slot stays in `namesToPoll` until there is one. */
  async function readDue() {
    const names = new Set([...namesToPoll].filter(isFree))
    for (const name of names) namesToPoll.delete(name)
    reading = names
    const due = await store.due([...names], (name) => Math.max(JOBS_PER_NAME, batchOf(name)))
    reading = new Set()
    // Batches are shuffled, not jobs, so that a name with a large batch is not the first more often.
    const others = found.filter(({ name }) => !names.has(name))
    found = shuffle(toBatches([...others, ...due], batchOf)).flat()
  }

  /**
   * Takes a job for each free slot, and further jobs of its name up to its batch. A job that has run before
   * is taken without others of its name, which would fail or end with it again.
   */
  function take() {
    const slots = new Map<string, number>()
    const inBatch = new Map<string, number>()
    const namesAlone = new Set<string>()
    const takenJobs = found.filter(({ name, attempts }) => {
      const owner = ownerOf(name)
      const size = inBatch.get(name) ?? 0
      const isAlone = batchOf(name) > 1 && attempts > 0
      if (namesAlone.has(name) || (isAlone && size > 0)) return false
      const opensSlot = size % batchOf(name) === 0
      const free = slots.get(owner) ?? freeSlots(owner)
      if (opensSlot && free === 0) return false
      slots.set(owner, free - (opensSlot ? 1 : 0))
      inBatch.set(name, size + 1)
      if (isAlone) namesAlone.add(name)
      return true
    })
    const taken = new Set(takenJobs)
    found = found.filter((job) => !taken.has(job))
    // All workers lock rows in the same order, so that they rarely wait for each other.
    return takenJobs.sort((a, b) => a.id - b.id)
  }

  const batchOf = (name: string) => definitions.get(name)?.batch ?? 1
  const ownerOf = (name: string) => definitions.get(name)?.owner ?? 'kernel'

  function freeSlots(owner: string) {
    const taken = [...running.values()].filter((other) => other === owner).length
    return (owner === 'kernel' ? SLOTS.kernel : SLOTS.other) - taken
  }

  const nameOf = ({ name }: { name: string }) => name
  const isFree = (name: string) => freeSlots(ownerOf(name)) > 0
  const hasFree = (names: Iterable<string>) => [...names].some(isFree)

  async function completeAndClaim(candidates: Candidate[]) {
    const completed = done
    done = []
    const token = randomUUID()
    const ids = candidates.map(({ id }) => id)
    try {
      const jobs = await store.completeAndClaim(completed, ids, token)
      for (const batch of toBatches(jobs, batchOf)) launch(batch, token)
      // Another process claimed the other candidates, so these names are polled again.
      const won = new Set(jobs.map(({ id }) => id))
      for (const { id, name } of candidates) if (!won.has(id)) namesToPoll.add(name)
    } catch (error) {
      done.push(...completed)
      throw error
    }
  }

  /** Runs a batch, all jobs of one name, in one slot. */
  function launch(jobs: Job[], token: string) {
    const [{ name } = { name: '' }] = jobs
    const runOne = (job: Job) =>
      run(job, token).catch((error) =>
        log.warn(
          { err: error, job: job.id },
          'updating a job failed; it runs again after its lease',
        ),
      )
    const work = Promise.all(jobs.map(runOne)).finally(() => {
      running.delete(work)
      wake([name])
    })
    running.set(work, ownerOf(name))
  }

  /** Claims no more jobs and waits up to 8 s for running ones and the last poll. */
  async function stop() {
    stopped = true
    clearTimeout(timer)
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const limit = setTimeout(resolve, STOP_TIMEOUT)
    await Promise.race([finish(), late])
    clearTimeout(limit)
    stopping.abort(new LeaseLost('The process is stopping.'))
  }

  /** A poll may wait for a database that is away, so it counts as well. */
  async function finish() {
    await polling
    await Promise.all(running.keys())
    await deleteDone()
  }

  async function deleteDone() {
    if (done.length === 0) return
    await completeAndClaim([]).catch((error) =>
      log.warn({ err: error }, 'deleting completed jobs failed; they run again'),
    )
  }

  return { start, wake, stop }
}
