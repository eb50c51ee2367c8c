import type { FastifyInstance } from 'birdhouse'
import { deliver } from './deliver.ts'
import { hello, reset } from './frames.ts'
import { BATCH, type Parts } from './pump.ts'
import type { Stream } from './streams.ts'

/**
 * The streams that wait to become live. The pump lets them in between two batches, when no number
 * is being told: all together they catch up with where it is, by the same queries, and from there on
 * are told with the others. So nothing falls in between and nothing comes twice.
 */
export function createAdmission(app: FastifyInstance, { journal, streams, composer }: Parts) {
  let waiting = new Set<Stream>()

  async function admit(to: number) {
    const members = waiting
    waiting = new Set()
    if (members.size === 0) return
    const isComplete = await tell(members, to).catch((error) => {
      const outage = app.errors.isUnavailable(error)
      app.log[outage ? 'warn' : 'error']({ err: error }, 'streams could not catch up')
      // With a store that is out their clients come back later; what else fails would fail again.
      if (outage) for (const stream of members) streams.end(stream)
      return false
    })
    for (const stream of members) if (streams.isOpen(stream)) enter(stream, to, isComplete)
  }

  /** What these have missed; false when some of it has been purged. */
  async function tell(members: Set<Stream>, to: number) {
    const start = Math.min(...[...members].map(({ position }) => position))
    const readers = new Set([...members].map(({ userId }) => userId))
    for (let from = start; from < to; ) {
      const events = (await journal.after(from, BATCH)).filter(({ seq }) => seq <= to)
      if (await journal.isPurged(from)) return false
      const deliveries = await composer.compose(events, [...readers])
      await deliver(streams, deliveries, (stream) => members.has(stream))
      from = events.length < BATCH ? to : (events.at(-1)?.seq ?? to)
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
