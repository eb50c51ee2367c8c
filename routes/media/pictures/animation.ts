import createError from '@fastify/error'
import type { Size } from './decode.ts'
import { type Picture, whole } from './inspect.ts'
import { FRAMES, TooManyFrames } from './limits.ts'

/** All frames are encoded up to three times, which takes one core up to 5 s; a large still image takes 1 s. */
const PIXELS = 50_000_000
const QUALITY = 75
const EFFORT = 2

const AnimationTooLarge = createError(
  'IMAGE_TOO_LARGE',
  `The animation has more than ${PIXELS / 1e6} megapixels in all frames together; shorten it or scale it down.`,
  413,
)

/** @throws TooManyFrames, AnimationTooLarge */
export function assertAffordable({ frames, width, height }: Picture) {
  if (frames > FRAMES) throw new TooManyFrames()
  if (frames * width * height > PIXELS) throw new AnimationTooLarge()
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
