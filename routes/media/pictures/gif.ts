const EXTENSION = 0x21
const IMAGE = 0x2c

/**
 * Whether no block of a GIF is cut short (GIF89a, sections 15 to 27): the decoder leaves such a
 * frame out without a word. A missing trailer is fine, as it is in browsers; what follows the
 * trailer, or is no block, is left to the decoder.
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

/** Of a colour table, by the flags in front of it. */
const tableBytes = (flags = 0) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

/** Where a series of sub-blocks ends: each says its length, the last has none. */
function afterData(bytes: Buffer, start: number) {
  let at = start
  while (bytes[at]) at += 1 + (bytes[at] ?? 0)
  return at + 1
}
