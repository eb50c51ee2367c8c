import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import createError from '@fastify/error'
import { BrokenImage } from './broken.ts'
import { createTurns } from './turns.ts'

// Images are decoded in separate processes: a crash costs one image, the decoder cannot read the
// service's secrets, and requests have priority on the CPU.

/** Images at a time; limits.ts keeps the memory of each below some 0.5 GB. */
const CONCURRENCY = 2
/** Images that wait as files on disk; about 15 s of work for two cores. */
const QUEUE = 64
/** Milliseconds per image. */
const LONGEST_WORK = 30_000
/** Milliseconds after which an idle worker is ended; the next image starts another. */
const LONGEST_IDLE = 60_000

const TooBusy = createError(
  'TOO_BUSY',
  'Too many images are being processed; try again in a moment.',
  503,
)

/** Bytes; glibc returns larger blocks at once, which saves a third of a worker's memory. */
const GIVE_BACK = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

export type Order =
  | { make: 'variants'; file: string; limits: number[] }
  | { make: 'covers'; file: string; boxes: Box[] }
export type Box = { width: number; height: number }

/** The account that sent the picture; `cancelled` aborts when nobody waits for it any longer. */
export type Sender = { ownerId?: number; cancelled?: AbortSignal }

export type Failure = { message: string; code?: string; statusCode?: number; cause?: string }
export type Answer = { made: unknown } | { failure: Failure }

const turns = createTurns(CONCURRENCY)
const idle = new Map<ChildProcess, NodeJS.Timeout>()

/** Pictures that wait for a worker. */
export const pending = turns.pending

/** @throws TooBusy, BrokenImage, the worker's error, the reason of `cancelled` */
export async function runInWorker<Made>(order: Order, { ownerId, cancelled }: Sender) {
  if (turns.pending() >= QUEUE) throw new TooBusy()
  return turns.run(ownerId, async () => {
    cancelled?.throwIfAborted()
    // A worker may be killed for other reasons, so only a second death is blamed on the file.
    const answer = (await ask(order)) ?? (await ask(order))
    if (!answer) throw new BrokenImage('it crashes the decoder')
    if ('failure' in answer) throw toError(answer.failure)
    cancelled?.throwIfAborted()
    // The order determines the type of the answer, see worker.ts.
    return answer.made as Made
  })
}

/** Returns the worker's answer, or undefined if the worker died. @throws TooBusy, BrokenImage */
async function ask(order: Order): Promise<Answer | undefined> {
  const worker = await take()
  const abort = new AbortController()
  const answered = once(worker, 'message', abort).then(([answer]) => answer as Answer)
  const died = once(worker, 'exit', abort).then(() => undefined)
  const late = once(AbortSignal.timeout(LONGEST_WORK), 'abort', abort).then(() => {
    worker.kill('SIGKILL')
    throw new BrokenImage('decoding it takes too long')
  })
  for (const outcome of [answered, died, late]) outcome.catch(() => {})
  // A dead worker is reported by `exit`.
  worker.send(order, () => {})
  try {
    const answer = await Promise.race([answered, died, late])
    if (answer) release(worker)
    return answer
  } finally {
    abort.abort()
  }
}

async function take() {
  const [waiting] = idle
  if (!waiting) return start()
  const [worker, timer] = waiting
  clearTimeout(timer)
  idle.delete(worker)
  worker.ref()
  worker.channel?.ref()
  return worker
}

/** @throws TooBusy when the system has no process or no file descriptor left for a worker */
async function start() {
  const cache = getCompileCacheDir()
  const worker = fork(join(import.meta.dirname, 'worker.ts'), {
    serialization: 'advanced',
    execArgv: ['--max-semi-space-size=1', '--expose-gc'],
    // Without the service's settings: a decoder of untrusted files must not see them. The compile
    // cache saves loading Node's TypeScript compiler (20 MB).
    env: { ...GIVE_BACK, ...(cache && { NODE_COMPILE_CACHE: dirname(cache) }) },
  })
  worker.once('exit', () => {
    clearTimeout(idle.get(worker))
    idle.delete(worker)
  })
  worker.on('error', () => worker.kill('SIGKILL'))
  if (worker.pid === undefined) {
    const [cause] = await once(worker, 'error')
    throw Object.assign(new TooBusy(), { cause })
  }
  return worker
}

/** Keeps the worker for the next image, without keeping the service alive. */
function release(worker: ChildProcess) {
  worker.unref()
  worker.channel?.unref()
  idle.set(worker, setTimeout(end, LONGEST_IDLE, worker).unref())
}

async function end(worker: ChildProcess) {
  clearTimeout(idle.get(worker))
  idle.delete(worker)
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const exit = once(worker, 'exit')
  worker.ref()
  worker.disconnect()
  await exit
}

/** Ends idle workers. Busy workers end their image first, since callers wait for it. */
export async function closeWorkers() {
  await Promise.all([...idle.keys()].map(end))
}

const toError = ({ message, cause, ...rest }: Failure) =>
  Object.assign(new Error(message, cause === undefined ? {} : { cause: new Error(cause) }), rest)
