import { createRandom, type Random } from '../../demo/random.ts'

type Options = {
  /** Jobs per second. */
  arrivals: number
  /** Database time of the next job in seconds. */
  nextWork: (random: Random) => number
  /** Concurrent jobs; they share the database, the others wait in order. */
  workers: number
  jobs: number
  seed: number
}
type Job = { arrived: number; left: number }

/** Jobs of the warm-up, before the queue is in a steady state. */
const WARM_UP = 0.1

/** Seconds from a job's arrival to its end, ascending. Arrivals are independent of each other. */
export function simulateQueue({ arrivals, nextWork, workers, jobs, seed }: Options) {
  const random = createRandom(seed)
  const interval = () => -Math.log(1 - random.next()) / arrivals
  const waiting: Job[] = []
  let head = 0
  const atWork: Job[] = []
  const delays: number[] = []
  let now = 0
  let arrival = interval()
  let arrived = 0
  let ended = 0

  while (ended < jobs) {
    const shortest = atWork.reduce((least, { left }) => Math.min(least, left), Infinity)
    const end = now + shortest * atWork.length
    if (arrived < jobs && (atWork.length === 0 || arrival < end)) {
      proceed(arrival)
      waiting.push({ arrived: now, left: nextWork(random) })
      arrived++
      arrival = now + interval()
    } else {
      proceed(end)
      finish(shortest)
    }
    while (atWork.length < workers && head < waiting.length) {
      const next = waiting[head++]
      if (next) atWork.push(next)
    }
  }
  return Float64Array.from(delays).sort()

  function proceed(until: number) {
    const share = (until - now) / Math.max(1, atWork.length)
    for (const job of atWork) job.left -= share
    now = until
  }

  function finish(shortest: number) {
    const index = atWork.findIndex(({ left }) => left <= shortest * 1e-9 + 1e-12)
    const [job] = atWork.splice(Math.max(0, index), 1)
    if (job && ended++ >= jobs * WARM_UP) delays.push(now - job.arrived)
  }
}
