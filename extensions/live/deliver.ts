import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Delivery } from './compose.ts'
import { SLICE, type Stream, type Streams } from './streams.ts'

/** Writes in order, to those streams that are meant and have not been told yet. */
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
        streams.write(stream, bytes)
        if (++written % SLICE === 0) await nextTurn()
      }
    }
    // What is written in one turn waits in this process, as if nobody read it.
    await nextTurn()
  }
}
