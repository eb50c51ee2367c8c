import sharp from 'sharp'
import { type Picture, whole } from './inspect.ts'

export type Size = { width: number; height: number }

/** Scales to whole pixels, at least 1. */
export const scaled = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
})

/**
 * Decodes the first frame upright, in sRGB with 8 bits. Decodes all of it even if less is shown:
 * only that proves that the file is complete. @throws BrokenImage
 */
export async function decode({ open, format, ...picture }: Picture, scale: number) {
  const size = scaled(picture, scale)
  const { data, info } = await whole(format, () =>
    open()
      .autoOrient()
      .resize({ ...size, fit: 'fill' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  )
  const { width, height, channels } = info
  return { ...size, open: () => sharp(data, { raw: { width, height, channels } }) }
}

export type Pixels = Awaited<ReturnType<typeof decode>>
