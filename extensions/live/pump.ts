import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'birdhouse'
import { createCatchUp, type Parts } from './catch-up.ts'
import type { Delivery } from './compose.ts'
import { deliver } from './deliver.ts'
import { reset } from './frames.ts'
import { EVENTS_PER_BATCH, type LiveEvent } from './journal.ts'
import type { Stream } from './streams.ts'

/** Milliseconds between looks: how late an event may be that another process has written. */
const POLL = 250
/** Milliseconds until a store that is out is asked again. */
const PAUSE = 1_000

/** Reads what comes into the journal and writes it to the live streams of this process, in order. */
export function createPump(app: FastifyInstance, parts: Parts) {
  const { journal, streams, composer } = parts
  const catchUp = createCatchUp(app, parts)
  /** The last number taken up, and the last that has been written. */
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

  const isIdle = () => !running && catchUp.isEmpty() && streams.live().next().done === true

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
    // Whoever comes from here on is admitted once these are told, and catches up with them.
    const readers = new Set([...streams.live()].map(({ userId }) => userId))
    if (events.length > 0 && readers.size > 0) {
      const deliveries = await compose(events, [...readers])
      await deliver(streams, deliveries, ({ live }) => live)
    }
    told = last
  }

  /** Goes on until it succeeds when a store is out; what else fails is for clients to reload. */
  async function compose(events: LiveEvent[], readerIds: number[]): Promise<Delivery[]> {
    while (!stopped) {
      try {
        return await composer.compose(events, readerIds)
      } catch (error) {
        const outage = app.errors.isUnavailable(error)
        app.log[outage ? 'warn' : 'error']({ err: error }, 'composing live events failed')
        const seq = events.at(-1)?.seq ?? 0
        if (!outage) return [{ seq, bytes: reset(seq), readers: readerIds }]
        await pause()
      }
    }
    return []
  }

  /**
   * The last number there is, for one who comes. While nobody was here nobody looked, and what lies
   * in between is of no interest.
   */
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
    /** The number up to which a live stream has been told everything. */
    toldTo: (stream: Stream) => Math.max(stream.position, told),
  }
}

export type Pump = ReturnType<typeof createPump>

const pause = () => sleep(PAUSE, undefined, { ref: false })
