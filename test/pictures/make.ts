import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Color, type Sharp } from 'sharp'

// Pictures for tests and the bench, made when they are needed; README.md tells where files are from.

type Corner = [number, number, number]
/** Clockwise from the upper left. */
export const CORNERS: Record<'red' | 'green' | 'blue' | 'white', Corner> = {
  red: [220, 30, 30],
  green: [30, 160, 40],
  blue: [30, 40, 210],
  white: [240, 240, 240],
}
const BLACK: Corner = [0, 0, 0]
const RGB = { channels: 3 } as const

/** A colour in each corner, clockwise, so that no turn or reflection looks like another. */
export function corners(width: number, height: number, colours = Object.values(CORNERS)) {
  const [upperLeft = BLACK, upperRight = BLACK, lowerRight = BLACK, lowerLeft = BLACK] = colours
  return painted(width, height, (x, y) => {
    const left = x < width / 2
    return y < height / 2 ? (left ? upperLeft : upperRight) : left ? lowerLeft : lowerRight
  })
}

/** Each pixel by a function of its place. */
export function painted(width: number, height: number, colour: (x: number, y: number) => Corner) {
  const pixels = Buffer.alloc(width * height * 3)
  for (let at = 0; at < width * height; at++) {
    pixels.set(colour(at % width, Math.floor(at / width)), at * 3)
  }
  return sharp(pixels, { raw: { width, height, ...RGB } })
}

export const plain = (width: number, height: number, background: Color) =>
  sharp({ create: { width, height, background, ...RGB } })

/** Frames below each other, as sharp takes them. */
export async function film(frames: Sharp[], width: number, height: number) {
  const raw = await Promise.all(frames.map((frame) => frame.removeAlpha().raw().toBuffer()))
  return sharp(Buffer.concat(raw), {
    raw: { width, height: height * frames.length, pageHeight: height, ...RGB },
  })
}

/**
 * A photograph's worth of detail: a Julia set, its own for each seed, under the grain of a small
 * sensor. About 5 MB as JPEG at 4,000 x 3,000 and the default grain.
 */
export async function photo(width: number, height: number, seed = 0, grain = 38) {
  const [w, h] = [Math.ceil(width / 4), Math.ceil(height / 4)]
  const angle = 1.1 + seed * 0.37
  const [re, im] = [0.7885 * Math.cos(angle), 0.7885 * Math.sin(angle)]
  const set = painted(w, h, (px, py) => {
    let [x, y] = [(px / w - 0.5) * 3, (py / h - 0.5) * 2.2]
    let n = 0
    for (; n < 60 && x * x + y * y < 4; n++) [x, y] = [x * x - y * y + re, 2 * x * y + im]
    return [(n * 11) % 256, (n * 7 + px / 8) % 256, 255 - n * 3]
  })
  const noise = { type: 'gaussian', mean: 128, sigma: grain } as const
  const speckles = await sharp({ create: { width, height, background: 'black', ...RGB, noise } })
    .png({ compressionLevel: 0 })
    .toBuffer()
  return sharp(await set.png().toBuffer())
    .resize(width, height, { fit: 'fill' })
    .composite([{ input: speckles, blend: 'soft-light' }])
    .removeAlpha()
}

/** A PNG's chunk. */
export function chunk(type: string, data: Buffer) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

const HEADER_END = 8 + 25

/** A PNG's colours in 16 bits, under the same profile (PNG, 11.3.2.3). */
export async function sixteenBits(png: Buffer) {
  const { icc = Buffer.alloc(0) } = await sharp(png).metadata()
  const deep = await sharp(png, { ignoreIcc: true }).toColourspace('rgb16').png().toBuffer()
  const profile = chunk('iCCP', Buffer.concat([Buffer.from('it\0\0'), deflateSync(icc)]))
  return Buffer.concat([deep.subarray(0, HEADER_END), profile, deep.subarray(HEADER_END)])
}

/** The header of a PNG of any size, and the beginning of its data. */
export function pngOf(width: number, height: number) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6], 8)
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  const data = Buffer.from('789c', 'hex')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data)])
}

/** A GIF of any size; each frame paints one pixel, now red, now blue, or claims to paint them all. */
export function gifOf(width: number, height: number, frames = 1, claims = false) {
  const size = Buffer.alloc(4)
  size.writeUInt16LE(width, 0)
  size.writeUInt16LE(height, 2)
  const painted = claims ? size : Buffer.from('01000100', 'hex')
  const frame = (_: unknown, n: number) => [
    Buffer.from('21f904000a0000002c00000000', 'hex'),
    painted,
    Buffer.from(`000202${n % 2 ? '4c' : '44'}0100`, 'hex'),
  ]
  return Buffer.concat([
    Buffer.from('GIF89a'),
    size,
    Buffer.from('800000ff00000000ff', 'hex'),
    ...Array.from({ length: frames }, frame).flat(),
    Buffer.from(';'),
  ])
}

/** A packed text of a PNG that takes so many bytes when it is unpacked. */
export const textChunk = (bytes: number) =>
  chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(bytes))]))
