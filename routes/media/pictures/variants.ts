import { animate, assertAffordable } from './animation.ts'
import { decode, type Size, scaled } from './decode.ts'
import { encode, thumbhashOf } from './encode.ts'
import type { Rendition, Variant } from './index.ts'
import { inspect } from './inspect.ts'

/** See index.ts. @throws UnsupportedImage, BrokenImage, ImageTooLarge */
export async function toVariants(file: string, limits: number[]): Promise<Rendition> {
  const picture = await inspect(file)
  const animated = picture.frames > 1
  if (animated) assertAffordable(picture)
  const sizes = sizesWithin(limits, picture)
  const { width, height } = sizes.at(-1) ?? picture
  const first = await decode(picture, width / picture.width)
  const variants: Variant[] = []
  for (const size of sizes) {
    const bytes = animated
      ? await animate(picture, size)
      : await encode(first.open().resize({ ...size, fit: 'fill' }))
    variants.push({ ...size, bytes })
  }
  return { width, height, animated, thumbhash: await thumbhashOf(first), variants }
}

/** Sizes of the variants: never enlarged, each once. */
function sizesWithin(limits: number[], picture: Size) {
  const longest = Math.max(picture.width, picture.height)
  const enough = limits.findIndex((limit) => limit >= longest)
  const used = enough < 0 ? limits : limits.slice(0, enough + 1)
  return used.map((limit) => ({ limit, ...scaled(picture, Math.min(1, limit / longest)) }))
}
