import type { Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import type { Pixels } from './decode.ts'

/** WebP quality (0 to 100) at which artefacts are hard to see. */
const QUALITY = 82
/** Pixels per side, the maximum of thumbhash. */
const THUMB = 100

/** Encodes WebP without metadata, which is sharp's default. */
export const encode = (image: Sharp) => image.webp({ quality: QUALITY }).toBuffer()

/** A blurred preview to show until the image has loaded. */
export async function thumbhashOf({ open }: Pixels) {
  const { data, info } = await open()
    .resize({ width: THUMB, height: THUMB, fit: 'inside' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64')
}
