import { type Box, runInWorker } from './workers.ts'

export { closeWorkers as close } from './workers.ts'

/** A picture that was decoded whole and encoded anew; nothing of the file's own bytes is left. */
export type Rendition = {
  /** Of the largest variant, upright. */
  width: number
  height: number
  animated: boolean
  /** Base64 of some 25 bytes, of the first frame; see https://evanw.github.io/thumbhash/. */
  thumbhash: string
  /** Smallest first; WebP, sRGB, without metadata. */
  variants: Variant[]
}
export type Variant = { limit: number; width: number; height: number; bytes: Buffer }

/** Pixels on the long side of a tweet's image. */
const LIMITS = [320, 800, 1600]
/** Width to height of a banner. */
const BANNER = 3

/**
 * Tweet images: WebP with 320, 800 and 1,600 px on the long side, never enlarged; a variant that
 * would equal a smaller one is left out. GIF and WebP stay animated, of an AVIF sequence the still
 * is taken. @throws UnsupportedImage, BrokenImage, ImageTooLarge, TooBusy
 */
export const toVariants = (file: string, cancelled?: AbortSignal) =>
  runInWorker<Rendition>({ make: 'variants', file, limits: LIMITS }, cancelled)

/** Avatars: centred squares in WebP, of the first frame. @throws as `toVariants` */
export const toSquares = (file: string, sizes: number[], cancelled?: AbortSignal) =>
  toCovers(
    file,
    sizes.map((size) => ({ width: size, height: size })),
    cancelled,
  )

/** Headers: centred, three times as wide as high, WebP, of the first frame. @throws as `toVariants` */
export const toBanners = (file: string, widths: number[], cancelled?: AbortSignal) =>
  toCovers(
    file,
    widths.map((width) => ({ width, height: Math.round(width / BANNER) })),
    cancelled,
  )

const toCovers = (file: string, boxes: Box[], cancelled?: AbortSignal) =>
  runInWorker<Buffer[]>({ make: 'covers', file, boxes }, cancelled)
