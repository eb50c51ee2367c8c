import type { FastifyInstance } from 'fastify'
import sharp from 'sharp'
import { mediaObject } from '../routes/media/objects.ts'
import { encode, thumbhashOf } from '../routes/media/pictures/encode.ts'
import { VARIANT_SIZES } from '../routes/media/pictures/index.ts'
import { drawBird } from './bird.ts'
import type { DemoTweet } from './tweets.ts'

const COUNT = 6
/** Tweets from one with a picture to the next, from the newest back. */
const APART = 60
/** Pixels; enough for drawings. */
const SIZE = { width: 900, height: 600 }

export type DemoPicture = Awaited<ReturnType<typeof storePictures>>[number]

/** Indexes of the tweets with a picture in the list of tweets. */
export function withPictures(tweets: DemoTweet[]) {
  const posts = tweets.flatMap(({ text, replyTo }, i) => (text && replyTo === undefined ? [i] : []))
  return Array.from({ length: COUNT }, (_, n) => posts.at(-1 - n * APART) ?? 0)
}

/** Draws and stores a picture for each of these tweets. Every run makes the same pictures. */
export async function storePictures({ s3 }: FastifyInstance, tweets: number[]) {
  return Promise.all(tweets.map(store))

  async function store(tweet: number, index: number) {
    const drawing = sharp(Buffer.from(drawFlock(index)))
      .removeAlpha()
      .raw()
    const { data, info } = await drawing.toBuffer({ resolveWithObject: true })
    const open = () => sharp(data, { raw: { ...SIZE, channels: info.channels } })
    const key = `demo-picture-${index}`
    const variants = Object.values(VARIANT_SIZES).map((limit) => {
      const width = Math.min(limit, SIZE.width)
      return { limit, width, height: Math.round((width * SIZE.height) / SIZE.width) }
    })
    for (const { limit, width, height } of variants) {
      const bytes = await encode(open().resize(width, height))
      await s3.put(mediaObject(key, limit), bytes, 'image/webp')
    }
    const thumbhash = await thumbhashOf({ ...SIZE, open })
    const alt = 'A drawing of six colourful birds, each on a perch of its own'
    return { tweet, row: { ...SIZE, key, alt, animated: false, thumbhash, variants } }
  }
}

/** Pixels of the square of one bird. */
const BIRD = 400

/** Six birds that are not used as avatars. */
function drawFlock(index: number) {
  const birds = Array.from({ length: 6 }, (_, n) => {
    const place = `x="${(n % 3) * BIRD}" y="${Math.floor(n / 3) * BIRD}"`
    return drawBird(1_000 + index * 6 + n).replace('<svg', `<svg ${place}`)
  })
  const { width, height } = SIZE
  const view = `0 0 ${3 * BIRD} ${2 * BIRD}`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${view}">${birds.join('')}</svg>`
}
