import type { Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import type { Pixels } from './decode.ts'

/** Of 100; artefacts are hard to see at it. */
const QUALITY = 82
/** Pixels; the most that the hash takes. */
const THUMB = 100

/** WebP without any metadata, which sharp writes only when told to. */
export const encode = (image: Sharp) => image.webp({ quality: QUALITY }).toBuffer()

/** A blurred likeness for the time until the image is there. */
export async function thumbhashOf({ open }: Pixels) {
  const { data, info } = await open()
    .resize({ width: THUMB, height: THUMB, fit: 'inside' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64')
}
