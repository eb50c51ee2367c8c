import pLimit from 'p-limit'
import type { Parts } from './catch-up.ts'
import { deliver } from './deliver.ts'
import { reset } from './frames.ts'
import { EVENTS_PER_BATCH } from './journal.ts'
import type { Pump } from './pump.ts'
import type { Stream } from './streams.ts'

/** Streams at the same time; requests need the database as well. */
const AT_ONCE = 4
/** Events a stream; beyond, a page of the timeline is less work for everyone. */
const MAX = 2_000
/** Numbers. Those who are not further behind catch up together, as after a restart all are. */
const NEAR = 500

/** Takes a stream from where its client stopped to near where the pump is, which goes on with it. */
export function createReplay({ journal, streams, composer }: Parts, pump: Pump) {
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

  /** False when some of it has been purged, or it is too much. */
  async function comeNear(stream: Stream) {
    const { userId } = stream
    let told = 0
    for (let far = pump.last() - NEAR; stream.position < far; far = pump.last() - NEAR) {
      const { position } = stream
      const events = await journal.concerning(userId, position, far, EVENTS_PER_BATCH)
      if (told > MAX || (await journal.isPurged(position))) return false
      await deliver(streams, await composer.compose(events, [userId]), (one) => one === stream)
      await streams.settled(stream)
      if (!streams.isOpen(stream)) return false
      told += events.length
      stream.position = events.length < EVENTS_PER_BATCH ? far : (events.at(-1)?.seq ?? far)
    }
    return true
  }

  return { catchUp }
}
