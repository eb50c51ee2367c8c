import { readFile } from 'node:fs/promises'
import createError from '@fastify/error'
import sharp from 'sharp'

const NotAnImage = createError('UNSUPPORTED_IMAGE', 'not an image', 415)
const Broken = createError('BROKEN_IMAGE', 'broken', 422)

async function read(file: string) {
  const bytes = await readFile(file)
  const metadata = await sharp(bytes)
    .metadata()
    .catch(() => undefined)
  if (!metadata || metadata.format === 'svg') throw new NotAnImage()
  const upright = await sharp(bytes)
    .rotate()
    .png()
    .toBuffer()
    .catch(() => {
      throw new Broken()
    })
  return sharp(upright)
}

export async function toVariants(file: string) {
  const image = await read(file)
  const { width, height } = await image.metadata()
  const long = Math.max(width, height)
  const limits = [320, 800, 1600].filter((_, i, all) => i === 0 || (all[i - 1] ?? 0) < long)
  const variants = await Promise.all(
    limits.map(async (limit) => {
      const { data, info } = await image
        .clone()
        .resize(limit, limit, { fit: 'inside', withoutEnlargement: true })
        .webp()
        .toBuffer({ resolveWithObject: true })
      return { limit, width: info.width, height: info.height, bytes: data }
    }),
  )
  const last = variants.at(-1)
  return {
    width: last?.width ?? 0,
    height: last?.height ?? 0,
    animated: false,
    thumbhash: 'AAAA',
    variants,
  }
}

export async function toSquares(file: string, sizes: number[]) {
  const image = await read(file)
  return Promise.all(sizes.map((n) => image.clone().resize(n, n).webp().toBuffer()))
}

export async function toBanners(file: string, widths: number[]) {
  const image = await read(file)
  return Promise.all(
    widths.map((n) =>
      image
        .clone()
        .resize(n, n / 3)
        .webp()
        .toBuffer(),
    ),
  )
}
