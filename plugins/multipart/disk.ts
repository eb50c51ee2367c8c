import { close, createWriteStream, open, write, writev } from 'node:fs'
import pLimit from 'p-limit'

/** Concurrent writes, out of libuv's four threads; password hashing takes at most two. */
const WRITES = 2
/** Bytes. Smaller buffers are not detached: the parser reuses small buffers, which may arrive whole. */
const MIN_DETACHED = 16 * 1024

const turns = pLimit(WRITES)

/**
 * Opens a new file at `path` for writing. Buffers are detached after they are written, so other readers
 * of the stream must copy them. Otherwise V8 marks the whole heap after every 25 MB of uploads.
 */
export const toDisk = (path: string) =>
  createWriteStream(path, {
    flags: 'wx',
    mode: 0o600,
    fs: { open, close, write: inTurn(write), writev: inTurn(writev) },
  })

type Chunk = Buffer<ArrayBuffer>
type Done = (error: Error | null, written: number, data: Chunk | Chunk[]) => void

/** Wraps `fs.write` or `fs.writev`: the call waits for its turn, and its buffers are detached afterwards. */
function inTurn<Rest extends unknown[]>(perform: (...args: [...Rest, Done]) => void) {
  return (...args: [...Rest, Done]) => {
    // `slice` loses the types of a tuple.
    const rest = args.slice(0, -1) as Rest
    const done = args.at(-1) as Done
    const performing = () =>
      new Promise<Parameters<Done>>((resolve) => perform(...rest, (...outcome) => resolve(outcome)))
    void turns(performing).then((outcome) => {
      detach(...outcome)
      done(...outcome)
    })
  }
}

/** Detaches the buffers, but not after a partial write, whose rest is written again. */
function detach(error: Error | null, written: number, data: Chunk | Chunk[]) {
  const chunks = [data].flat()
  const length = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (error || written !== length) return
  for (const { buffer, byteLength } of chunks) {
    if (byteLength >= MIN_DETACHED && byteLength === buffer.byteLength) buffer.transfer(0)
  }
}
