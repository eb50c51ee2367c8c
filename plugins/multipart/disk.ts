import { close, createWriteStream, open, write } from 'node:fs'
import { promisify } from 'node:util'
import pLimit from 'p-limit'

/** Of libuv's four threads: the others are for hashing passwords and DNS. */
const WRITES = 2

const inTurn = pLimit(WRITES)
const writing = promisify(write)

/**
 * A new file at `path`. Takes the memory of each chunk that is written, so whoever else reads the
 * stream has to copy. Left to V8, every 25 MB of uploads would have it mark the whole heap.
 */
export const toDisk = (path: string) =>
  createWriteStream(path, {
    flags: 'wx',
    mode: 0o600,
    fs: { open, close, write: writeInTurn },
  })

type Done = (error: Error | null, written?: number) => void

function writeInTurn(
  fd: number,
  chunk: Buffer<ArrayBuffer>,
  offset: number,
  length: number,
  position: number | undefined,
  done: Done,
) {
  inTurn(() => writing(fd, chunk, offset, length, position)).then(({ bytesWritten }) => {
    if (bytesWritten === chunk.byteLength - offset) free(chunk)
    done(null, bytesWritten)
  }, done)
}

/** Where nothing but the chunk is in its memory; the end of a file may share it with what follows. */
function free({ buffer, byteLength }: Buffer<ArrayBuffer>) {
  if (byteLength === buffer.byteLength) buffer.transfer(0)
}
