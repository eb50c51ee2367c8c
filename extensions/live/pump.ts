import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'birdhouse'
import { createCatchUp, type Parts } from './catch-up.ts'
import { deliver } from './deliver.ts'
import { type Audience, type Delivery, resetOf } from './delivery.ts'
import { EVENTS_PER_BATCH, type LiveEvent } from './journal.ts'
import type { Stream } from './streams.ts'

/** Milliseconds between polls, and the most that an event of another process is late. */
const POLL = 250
/** Milliseconds between attempts during an outage. */
const PAUSE = 1_000

/** Gives new events of the journal to the live streams and listeners of this process, in order. */
export function createPump(app: FastifyInstance, parts: Parts) {
  const { journal, streams, listeners, kinds } = parts
  const catchUp = createCatchUp(app, parts)
  /** The last number read, and the last number written to the streams. */
  let last = 0
  let told = 0
  let isDue = false
  let running: Promise<void> | undefined
  let stopped = false
  const poll = setInterval(wake, POLL).unref()

  function wake() {
    isDue = true
    run()
  }

  function admit(stream: Stream) {
    catchUp.add(stream)
    run()
  }

  const isIdle = () => !running && catchUp.isEmpty() && !isHeard()
  const isHeard = () => !listeners.isEmpty() || streams.live().next().done !== true

  function run() {
    if (running || stopped || isIdle()) return
    running = work()
      .catch(async (error) => {
        app.log.warn({ err: error }, 'reading live events failed; trying again')
        await pause()
      })
      .finally(() => {
        running = undefined
        if (isDue || !catchUp.isEmpty()) run()
      })
  }

  async function work() {
    while (!stopped && (isDue || !catchUp.isEmpty())) {
      await catchUp.admit(last)
      if (isDue) await advance()
    }
  }

  async function advance() {
    isDue = false
    const events = await journal.after(last, EVENTS_PER_BATCH)
    if (events.length === EVENTS_PER_BATCH) isDue = true
    last = events.at(-1)?.seq ?? last
    // A stream that opens from here on is admitted after this batch, and catches up with it.
    if (events.length > 0 && isHeard()) {
      const deliveries = await compose(events, audience())
      await deliver(streams, deliveries, ({ live }) => live)
      await listeners.tell(deliveries)
    }
    told = last
  }

  function audience(): Audience {
    const { readers, viewers } = listeners.users()
    for (const { userId } of streams.live()) readers.add(userId)
    return { readers: [...readers], viewers: [...viewers] }
  }

  /** Tries until it succeeds during an outage; after any other error, clients must reload. */
  async function compose(events: LiveEvent[], to: Audience): Promise<Delivery[]> {
    while (!stopped) {
      try {
        return await kinds.compose(events, to)
      } catch (error) {
        const outage = app.errors.isUnavailable(error)
        app.log[outage ? 'warn' : 'error']({ err: error }, 'composing live events failed')
        if (!outage) return [resetOf(events.at(-1)?.seq ?? 0, to)]
        await pause()
      }
    }
    return []
  }

  /** Where a new stream starts. An idle pump does not poll, and skips what nobody waited for. */
  async function position(claimed = 0) {
    if (!isIdle() && claimed <= last) return last
    const head = await journal.head()
    if (isIdle()) last = told = Math.max(last, head)
    return Math.max(last, head)
  }

  function stop() {
    stopped = true
    clearInterval(poll)
  }

  return {
    wake,
    admit,
    position,
    stop,
    last: () => last,
    /** The number up to which a live stream has been sent everything. */
    toldTo: (stream: Stream) => Math.max(stream.position, told),
  }
}

export type Pump = ReturnType<typeof createPump>

const pause = () => sleep(PAUSE, undefined, { ref: false })
