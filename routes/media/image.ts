import createError from '@fastify/error'
import pLimit from 'p-limit'
import sharp from 'sharp'

/** More is refused before decoding: 50 megapixels take 200 MB as raw RGBA. */
const PIXEL_LIMIT = 50_000_000
const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'heif'])
const QUALITY = 82
/** Images decoded at once, and waiting; an 8 MB upload may become 200 MB while decoded. */
const CONCURRENCY = 2
const QUEUE = 16

const NotAnImage = createError(
  'UNSUPPORTED_IMAGE',
  'The file is not a JPEG, PNG, WebP, GIF or AVIF image.',
  415,
)
const BrokenImage = createError('BROKEN_IMAGE', 'The image is damaged and cannot be read.', 415)
const ImageTooLarge = createError('IMAGE_TOO_LARGE', 'The image has more than 50 megapixels.', 413)
const TooBusy = createError('TOO_BUSY', 'Too many images are in work; try again in a moment.', 503)

const limit = pLimit(CONCURRENCY)

/**
 * Squares of the given sizes in WebP: upright, centred, sRGB, without metadata, first frame only.
 * The bytes decide what the file is, never its name. @throws NotAnImage, BrokenImage,
 * ImageTooLarge, TooBusy
 */
export async function toSquares(bytes: Buffer, sizes: number[]) {
  if (limit.pendingCount >= QUEUE) throw new TooBusy()
  return limit(async () => {
    await assertSupported(bytes)
    const image = sharp(bytes, { limitInputPixels: PIXEL_LIMIT, failOn: 'error' }).rotate()
    const largest = Math.max(...sizes)
    const square = await image
      .resize(largest, largest, { fit: 'cover' })
      .toColourspace('srgb')
      .png({ compressionLevel: 1 })
      .toBuffer()
      .catch((cause) => {
        throw Object.assign(new BrokenImage(), { cause })
      })
    return Promise.all(
      sizes.map((size) => sharp(square).resize(size, size).webp({ quality: QUALITY }).toBuffer()),
    )
  })
}

async function assertSupported(bytes: Buffer) {
  const metadata = await readMetadata(bytes)
  const heifButNotAvif = metadata?.format === 'heif' && metadata.compression !== 'av1'
  if (!metadata || !FORMATS.has(metadata.format) || heifButNotAvif) throw new NotAnImage()
  if (metadata.width * metadata.height > PIXEL_LIMIT) throw new ImageTooLarge()
}

async function readMetadata(bytes: Buffer) {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata()
  } catch {
    return undefined
  }
}
