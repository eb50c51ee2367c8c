const EXTENSION = 0x21
const IMAGE = 0x2c

/**
 * True if no block is truncated (GIF89a, sections 15 to 27): the decoder silently omits such
 * frames. A missing trailer is accepted, as in browsers; the decoder judges everything else.
 */
export function isWholeGif(bytes: Buffer) {
  let at = 13 + tableBytes(bytes[10])
  while (at < bytes.length) {
    if (bytes[at] === EXTENSION) at = afterData(bytes, at + 2)
    else if (bytes[at] === IMAGE) at = afterData(bytes, at + 11 + tableBytes(bytes[at + 9]))
    else return true
  }
  return at === bytes.length
}

/** Bytes of a colour table, from the flags before it. */
const tableBytes = (flags = 0) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

/** The index behind a series of sub-blocks: each starts with its length, the last has length 0. */
function afterData(bytes: Buffer, start: number) {
  let at = start
  while (bytes[at]) at += 1 + (bytes[at] ?? 0)
  return at + 1
}
