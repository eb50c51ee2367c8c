import { readFile } from 'node:fs/promises'
import createError from '@fastify/error'
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'
import { BrokenImage } from './broken.ts'
import { isWholeGif } from './gif.ts'
import { assertParts, assertSize } from './limits.ts'
import { type Format, sniff } from './sniff.ts'

const UnsupportedImage = createError(
  'UNSUPPORTED_IMAGE',
  'The file is not a JPEG, PNG, WebP, GIF or AVIF image.',
  415,
)

export type Picture = {
  open: (options?: SharpOptions) => Sharp
  format: Format
  /** Upright. */
  width: number
  height: number
  /** Frames that stay if the picture stays animated; otherwise 1. */
  frames: number
}

/** `assertSize` checks the header against a limit of its own; sequential reading keeps few lines in memory. */
const STRICT: SharpOptions = { failOn: 'error', limitInputPixels: false, sequentialRead: true }

/**
 * Reads the header, decodes nothing.
 * @throws UnsupportedImage, BrokenImage, ImageTooLarge, ImageTooComplex, TooManyFrames
 */
export async function inspect(file: string): Promise<Picture> {
  const bytes = await readFile(file)
  const format = sniff(bytes)
  if (!format) throw new UnsupportedImage()
  assertParts(format, bytes)
  // libvips reads the major brand only, and an animated AVIF has another major brand.
  if (format === 'AVIF') bytes.write('avif', 8, 'latin1')
  const open = (options: SharpOptions = {}) => sharp(bytes, { ...STRICT, ...options })
  const header = await whole(format, () => open().metadata())
  const { width, height } = header.autoOrient
  assertSize(format, { width, height })
  if (format === 'GIF' && !isWholeGif(bytes)) throw new BrokenImage(TRUNCATED)
  // sharp converts a 16-bit picture with a profile to Display P3, but labels it sRGB.
  const deep = header.depth !== 'uchar'
  const inColour: Picture['open'] = (options) =>
    deep ? open(options).pipelineColourspace('srgb') : open(options)
  return { open: inColour, format, width, height, frames: framesOf(format, header) }
}

/** A multi-image AVIF is a collection, not an animation. */
const framesOf = (format: Format, { pages = 1 }: Metadata) =>
  format === 'GIF' || format === 'WebP' ? pages : 1

const TRUNCATED = 'the file ends too early'
/** Messages of libvips and its decoders about a truncated file. */
const SAYS_TRUNCATED =
  /premature end|unexpected end|read error|bad seek|not enough data|unable to parse|end of file/i

/** Reports a failure to read the file as a damaged file. @throws BrokenImage */
export async function whole<T>(format: Format, read: () => Promise<T>) {
  try {
    return await read()
  } catch (error) {
    const said = String(error)
    const reason = SAYS_TRUNCATED.test(said) ? TRUNCATED : `its ${format} data is damaged`
    throw Object.assign(new BrokenImage(reason), { cause: said })
  }
}
