import createError from '@fastify/error'
import type { Size } from './decode.ts'
import { type Picture, whole } from './inspect.ts'

/** Frames are encoded up to three times; 500 take one core about 5 s, a large still image 1 s. */
const FRAMES = 500
const PIXELS = 50_000_000
const QUALITY = 75
const EFFORT = 2

const AnimationTooLarge = createError(
  'IMAGE_TOO_LARGE',
  `The animation has more than ${FRAMES} frames, or more than ${PIXELS / 1e6} megapixels in all frames together; shorten it or scale it down.`,
  413,
)

/** @throws AnimationTooLarge */
export function assertAffordable({ frames, width, height }: Picture) {
  if (frames > FRAMES || frames * width * height > PIXELS) throw new AnimationTooLarge()
}

/** All frames with their delays and loops, as WebP. @throws BrokenImage */
export const animate = ({ open, format }: Picture, { width, height }: Size) =>
  whole(format, () =>
    open({ animated: true })
      .resize({ width, height, fit: 'fill' })
      .toColourspace('srgb')
      .webp({ quality: QUALITY, effort: EFFORT })
      .toBuffer(),
  )
