const SCAN = Buffer.from([0xff, 0xda])
/** Frames of sequential Huffman coding: each scan has bits for each block, so the file's size limits them. */
const HUFFMAN = new Set([0xc0, 0xc1])

/**
 * The number of scans, or 0 where only few fit. Rather too many than too few: metadata may contain the marker
 * by chance, and a walk behind the frame could be led astray.
 */
export function countScans(bytes: Buffer) {
  if (HUFFMAN.has(frameOf(bytes))) return 0
  let count = 0
  for (let at = bytes.indexOf(SCAN); at >= 0; at = bytes.indexOf(SCAN, at + 2)) count++
  return count
}

/** The marker of the frame header (ITU T.81, table B.1), found as libjpeg does, which skips other bytes. */
function frameOf(bytes: Buffer) {
  for (let at = 2; at < bytes.length; ) {
    at = bytes.indexOf(0xff, at)
    if (at < 0) break
    while (bytes[at] === 0xff) at++
    const marker = bytes[at++] ?? 0
    if (isFrame(marker)) return marker
    if (hasLength(marker) && at + 2 <= bytes.length) at += bytes.readUInt16BE(at)
  }
  return 0
}

/** SOF0 to SOF15, without the tables DHT and DAC and the reserved JPG, which are among them. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** Not a stuffed zero, TEM, RST0 to RST7, SOI. */
const hasLength = (marker: number) => marker > 1 && (marker < 0xd0 || marker > 0xd8)
