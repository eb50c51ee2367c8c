import { close, createWriteStream, open, write, writev } from 'node:fs'
import pLimit from 'p-limit'

/** Of libuv's four threads; hashing passwords takes two at most. */
const WRITES = 2
/** Bytes. The parser writes again and again to small buffers of its own, which may reach us whole. */
const WORTH_TAKING = 16 * 1024

const turns = pLimit(WRITES)

/**
 * A new file at `path`. Takes the memory of what is written, so whoever else reads the stream has to
 * copy. Left to V8, every 25 MB of uploads would have it mark the whole heap.
 */
export const toDisk = (path: string) =>
  createWriteStream(path, {
    flags: 'wx',
    mode: 0o600,
    fs: { open, close, write: inTurn(write), writev: inTurn(writev) },
  })

type Chunk = Buffer<ArrayBuffer>
type Done = (error: Error | null, written: number, data: Chunk | Chunk[]) => void

/** The same function, which waits for its turn and then takes the memory of what it has written. */
function inTurn<Rest extends unknown[]>(perform: (...args: [...Rest, Done]) => void) {
  return (...args: [...Rest, Done]) => {
    // The types of a tuple's rest are lost in slices.
    const rest = args.slice(0, -1) as Rest
    const done = args.at(-1) as Done
    const performing = () =>
      new Promise<Parameters<Done>>((resolve) => perform(...rest, (...outcome) => resolve(outcome)))
    void turns(performing).then((outcome) => {
      free(...outcome)
      done(...outcome)
    })
  }
}

/** Not after a part: the rest is written again. */
function free(error: Error | null, written: number, data: Chunk | Chunk[]) {
  const chunks = [data].flat()
  const length = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (error || written !== length) return
  for (const { buffer, byteLength } of chunks) {
    if (byteLength >= WORTH_TAKING && byteLength === buffer.byteLength) buffer.transfer(0)
  }
}
