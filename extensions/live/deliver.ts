import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Delivery } from './delivery.ts'
import { SLICE, type Stream, type Streams } from './streams.ts'

/** Writes to matching streams that have not received a delivery yet, in order. */
export async function deliver(
  streams: Streams,
  deliveries: Delivery[],
  isMeant: (stream: Stream) => boolean,
) {
  let written = 0
  for (const { seq, bytes, readers } of deliveries) {
    for (const reader of readers) {
      for (const stream of streams.of(reader)) {
        if (stream.position >= seq || !isMeant(stream)) continue
        stream.position = seq
        streams.write(stream, bytes())
        if (++written % SLICE === 0) await nextTurn()
      }
    }
    // Sockets are written between turns; more data in one turn would count as unread.
    await nextTurn()
  }
}
