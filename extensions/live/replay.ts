import pLimit from 'p-limit'
import type { Parts } from './catch-up.ts'
import { deliver } from './deliver.ts'
import { reset } from './frames.ts'
import { EVENTS_PER_BATCH } from './journal.ts'
import type { Pump } from './pump.ts'
import type { Stream } from './streams.ts'

/** Streams at a time, since requests need the database as well. */
const AT_ONCE = 4
/** Events per stream; above this, a page of the timeline costs less. */
const MAX = 2_000
/** Event numbers. Streams at most this far behind catch up together, as all do after a restart. */
const NEAR = 500

/** Sends a stream the events it missed until it is near the pump, which then takes over. */
export function createReplay({ journal, streams, kinds }: Parts, pump: Pump) {
  const limit = pLimit(AT_ONCE)

  async function catchUp(stream: Stream, lost: boolean) {
    const isFar = pump.last() - stream.position > NEAR
    const complete = !lost && (!isFar || (await limit(() => comeNear(stream))))
    if (!streams.isOpen(stream)) return
    if (!complete) {
      stream.position = pump.last()
      streams.write(stream, reset(stream.position))
    }
    pump.admit(stream)
  }

  /** Returns false if missed events have been purged or are more than `MAX`. */
  async function comeNear(stream: Stream) {
    const { userId } = stream
    let told = 0
    for (let far = pump.last() - NEAR; stream.position < far; far = pump.last() - NEAR) {
      const { position } = stream
      const events = await journal.concerning(userId, position, far, EVENTS_PER_BATCH)
      if (told > MAX || (await journal.isPurged(position))) return false
      const deliveries = await kinds.compose(events, { readers: [userId], viewers: [] })
      await deliver(streams, deliveries, (one) => one === stream)
      await streams.settled(stream)
      if (!streams.isOpen(stream)) return false
      told += events.length
      stream.position = events.length < EVENTS_PER_BATCH ? far : (events.at(-1)?.seq ?? far)
    }
    return true
  }

  return { catchUp }
}
