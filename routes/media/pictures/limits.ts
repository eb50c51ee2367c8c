import createError from '@fastify/error'
import { countScans } from './jpeg.ts'
import type { Format } from './sniff.ts'
import type { Box } from './workers.ts'

/** 50 megapixels take up to 0.5 GB and 1 s of a core, as a PNG of 16 bits. */
export const MEGAPIXELS = 50
/** An AVIF takes seven times the memory of a JPEG: 16 megapixels take 0.4 GB and 1 s. */
export const AVIF_MEGAPIXELS = 16
/** WebP allows no longer side. Each row has a cost of its own: 50,000,000 rows of one pixel take 30 s. */
export const LONGEST_SIDE = 16_383
/** A WebP of 8 MB can have 160,000 frames, which take 23 s to count. */
export const FRAMES = 500
/** Each may be unpacked to 8 MB before the picture; 100 take 0.2 s. */
const TEXTS = 100
/** Each is a pass over all pixels; editors write 10. 2,600 fit in 8 MB and take 25 s. */
const SCANS = 50

const number = (value: number) => value.toLocaleString('en')

const ImageTooLarge = createError('IMAGE_TOO_LARGE', 'The image %s; scale it down%s.', 413)
const ImageTooComplex = createError('IMAGE_TOO_COMPLEX', 'The image has more than %s; %s.', 422)
export const TooManyFrames = createError(
  'IMAGE_TOO_LARGE',
  `The animation has more than ${FRAMES} frames; shorten it.`,
  413,
)

/** @throws ImageTooLarge */
export function assertSize(format: Format, { width, height }: Box) {
  if (Math.max(width, height) > LONGEST_SIDE)
    throw new ImageTooLarge(`has a side of more than ${number(LONGEST_SIDE)} pixels`, '')
  const avif = format === 'AVIF'
  const megapixels = avif ? AVIF_MEGAPIXELS : MEGAPIXELS
  if (width * height > megapixels * 1e6)
    throw new ImageTooLarge(
      `has more than ${megapixels} megapixels`,
      avif ? ` or send it as JPEG, which may have ${MEGAPIXELS}` : '',
    )
}

/** Counts parts that the decoder reads with the header. @throws ImageTooComplex, TooManyFrames */
export function assertParts(format: Format, bytes: Buffer) {
  if (format === 'PNG' && countTexts(bytes) > TEXTS)
    throw new ImageTooComplex(`${TEXTS} text chunks`, 'save it without metadata')
  if (format === 'JPEG' && countScans(bytes) > SCANS)
    throw new ImageTooComplex(`${SCANS} scans`, 'save it as a JPEG that is not progressive')
  if (format === 'WebP' && countFrames(bytes) > FRAMES) throw new TooManyFrames()
}

const PACKED = new Set(['zTXt', 'iTXt', 'tEXt', 'iCCP'])

/** PNG, section 5.3: length, type, data, checksum. */
function countTexts(bytes: Buffer) {
  let count = 0
  for (let at = 8; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (PACKED.has(bytes.toString('latin1', at + 4, at + 8))) count++
  }
  return count
}

/** The RIFF container: type, length, data, and a byte of padding behind an odd length. */
function countFrames(bytes: Buffer) {
  let count = 0
  for (let at = 12; at + 8 <= bytes.length; ) {
    if (bytes.toString('latin1', at, at + 4) === 'ANMF') count++
    const length = bytes.readUInt32LE(at + 4)
    at += 8 + length + (length % 2)
  }
  return count
}
