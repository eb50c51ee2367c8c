import { type Box, runInWorker, type Sender } from './workers.ts'

export { closeWorkers as close, pending } from './workers.ts'

/** A picture encoded from decoded pixels; it contains no bytes of the uploaded file. */
export type Rendition = {
  /** Pixels of the largest variant, upright. */
  width: number
  height: number
  animated: boolean
  /** Base64 of some 25 bytes, of the first frame; see https://evanw.github.io/thumbhash/. */
  thumbhash: string
  /** Smallest first; WebP, sRGB, without metadata. */
  variants: Variant[]
}
export type Variant = { limit: number; width: number; height: number; bytes: Buffer }

/** Pixels on the long side of each variant. */
export const VARIANT_SIZES = { small: 320, medium: 800, large: 1600 } as const
/** Width to height of a header picture. */
const BANNER = 3

/**
 * Makes the WebP variants of a tweet's picture, never enlarged; a variant that would equal a
 * smaller one is omitted. GIF and WebP stay animated; an AVIF sequence becomes its still image.
 * @throws UnsupportedImage, BrokenImage, ImageTooLarge, ImageTooComplex, TooBusy
 */
export const toVariants = (file: string, sender: Sender = {}) =>
  runInWorker<Rendition>({ make: 'variants', file, limits: Object.values(VARIANT_SIZES) }, sender)

/** Makes avatars: centred squares of the first frame, in WebP. @throws as `toVariants` */
export const toSquares = (file: string, sizes: number[], sender?: Sender) =>
  toCovers(
    file,
    sizes.map((size) => ({ width: size, height: size })),
    sender,
  )

/** Makes headers: the centre of the first frame, in WebP. @throws as `toVariants` */
export const toBanners = (file: string, widths: number[], sender?: Sender) =>
  toCovers(
    file,
    widths.map((width) => ({ width, height: Math.round(width / BANNER) })),
    sender,
  )

const toCovers = (file: string, boxes: Box[], sender: Sender = {}) =>
  runInWorker<Buffer[]>({ make: 'covers', file, boxes }, sender)
