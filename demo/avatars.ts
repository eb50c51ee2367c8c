import type { FastifyInstance } from 'fastify'
import pLimit from 'p-limit'
import sharp, { type Sharp } from 'sharp'
import { drawBird } from './bird.ts'

/** The same as for uploads, see routes/media/pictures/. */
const QUALITY = 82
/** Pictures in progress at once; keeps the encoder and the object store busy. */
const CONCURRENCY = 4

export const avatarKey = (index: number) => `demo-${index}`

/** Draws and stores a picture for each person. Every run makes the same pictures, so it may be repeated. */
export async function storeAvatars(app: FastifyInstance, count: number) {
  const { object, sizes } = app.users.pictures.avatar
  const limit = pLimit(CONCURRENCY)
  const all = Array.from({ length: count }, (_, index) => limit(store, index))
  // One failure ends all.
  await Promise.all(all).finally(() => limit.clearQueue())

  async function store(index: number) {
    const drawing = sharp(Buffer.from(drawBird(index)))
    await Promise.all(Object.values(sizes).map((size) => storeSize(index, drawing, size)))
  }

  async function storeSize(index: number, drawing: Sharp, size: number) {
    const square = drawing.clone().resize(size, size).webp({ quality: QUALITY })
    const key = object(avatarKey(index), size)
    await app.s3.put(key, await square.toBuffer(), 'image/webp')
  }
}
