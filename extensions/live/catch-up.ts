import type { FastifyInstance } from 'birdhouse'
import { deliver } from './deliver.ts'
import { hello, reset } from './frames.ts'
import { EVENTS_PER_BATCH, type Journal } from './journal.ts'
import type { Kinds } from './kinds.ts'
import type { Listeners } from './listeners.ts'
import type { Stream, Streams } from './streams.ts'

export type Parts = { journal: Journal; streams: Streams; listeners: Listeners; kinds: Kinds }

/**
 * Streams that wait to become live. Between two batches the pump admits them: all of them catch up with
 * its position by the same queries and are live from there on, so no event is skipped or sent twice.
 */
export function createCatchUp(app: FastifyInstance, { journal, streams, kinds }: Parts) {
  let waiting = new Set<Stream>()

  async function admit(to: number) {
    const members = waiting
    waiting = new Set()
    if (members.size === 0) return
    const isComplete = await sendMissed(members, to).catch((error) => {
      const outage = app.errors.isUnavailable(error)
      app.log[outage ? 'warn' : 'error']({ err: error }, 'streams could not catch up')
      // After an outage, clients reconnect later; any other error would repeat.
      if (outage) for (const stream of members) streams.end(stream)
      return false
    })
    for (const stream of members) if (streams.isOpen(stream)) enter(stream, to, isComplete)
  }

  /** Sends these streams the events they have missed; false when some have been purged. */
  async function sendMissed(members: Set<Stream>, to: number) {
    const start = Math.min(...[...members].map(({ position }) => position))
    const readers = new Set([...members].map(({ userId }) => userId))
    for (let from = start; from < to; ) {
      const events = (await journal.after(from, EVENTS_PER_BATCH)).filter(({ seq }) => seq <= to)
      if (await journal.isPurged(from)) return false
      const deliveries = await kinds.compose(events, { readers: [...readers], viewers: [] })
      await deliver(streams, deliveries, (stream) => members.has(stream))
      from = events.length < EVENTS_PER_BATCH ? to : (events.at(-1)?.seq ?? to)
    }
    return true
  }

  function enter(stream: Stream, to: number, isComplete: boolean) {
    stream.position = Math.max(stream.position, to)
    if (!isComplete) streams.write(stream, reset(stream.position))
    stream.live = true
    streams.write(stream, hello(stream.position))
  }

  return { add: (stream: Stream) => waiting.add(stream), isEmpty: () => waiting.size === 0, admit }
}
