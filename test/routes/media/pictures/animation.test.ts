import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import t from 'tap'
import { toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import { chunksOf, distance, fileWriter, kept, pixelsOf, refusal } from '../../../pictures/files.ts'
import { film, gifOf, painted, plain } from '../../../pictures/make.ts'

const save = fileWriter(t)
const COLOURS = ['#dc1e1e', '#1ea028', '#1e28d2'] as const
const RGB = [
  [220, 30, 30],
  [30, 160, 40],
  [30, 40, 210],
] as const
const DELAYS = [50, 300, 120]

const three = (width = 640, height = 480) =>
  film(
    COLOURS.map((colour) => plain(width, height, colour)),
    width,
    height,
  )

t.test('GIF and WebP stay animated: frames, delays, loops', async (t) => {
  for (const [format, loop, bytes] of [
    ['GIF', 3, await (await three()).gif({ delay: DELAYS, loop: 3 }).toBuffer()],
    ['endless GIF', 0, await (await three()).gif({ delay: DELAYS, loop: 0 }).toBuffer()],
    ['WebP', 7, await (await three()).webp({ delay: DELAYS, loop: 7 }).toBuffer()],
  ] as const) {
    const { variants, ...rest } = await toVariants(save(bytes))
    t.match(rest, { animated: true, width: 640, height: 480 })
    t.match(variants, [
      { limit: 320, width: 320, height: 240 },
      { limit: 800, width: 640, height: 480 },
    ])
    t.equal(variants.length, 2)
    for (const { bytes, width, height } of variants) {
      const { pages, delay, loop: loops, ...size } = await sharp(bytes, { pages: -1 }).metadata()
      t.strictSame([size.width, size.pageHeight], [width, height], format)
      t.equal(pages, 3)
      t.strictSame(delay, DELAYS)
      t.equal(loops, loop)
      for (const [page, rgb] of RGB.entries()) {
        const { at } = await pixelsOf(await sharp(bytes, { page }).png().toBuffer())
        t.ok(distance(at(0.5, 0.5), rgb) < 30, `${format} frame ${page}: ${at(0.5, 0.5)}`)
      }
      t.ok(chunksOf(bytes).includes('ANMF'))
    }
    const [square] = await toSquares(save(bytes), [48])
    t.notOk(chunksOf(square ?? Buffer.alloc(0)).includes('ANMF'), 'squares stand still')
    t.ok(distance((await pixelsOf(square)).at(0.5, 0.5), RGB[0]) < 30, 'at the first frame')
  }
})

t.test('a GIF without a loop plays once', async (t) => {
  const { variants } = await toVariants(save(gifOf(20, 20, 4)))
  const { pages, loop } = await sharp(variants[0]?.bytes, { pages: -1 }).metadata()
  t.strictSame([pages, loop], [4, 1])
})

t.test('an animated AVIF gives a still picture', async (t) => {
  const file = kept('animated.avif')
  t.equal(readFileSync(file).toString('latin1', 4, 12), 'ftypavis')
  const { animated, width, height, variants } = await toVariants(file)
  t.strictSame([animated, width, height, variants.length], [false, 64, 48, 1])
})

t.test('frames and their pixels are limited, except for squares', async (t) => {
  t.equal((await toVariants(save(gifOf(16, 16, 500)))).animated, true)
  const many = save(gifOf(16, 16, 501))
  t.match(await refusal(toVariants(many)), {
    code: 'IMAGE_TOO_LARGE',
    statusCode: 413,
    message: /500 frames/,
  })
  t.equal((await toSquares(many, [48])).length, 1, 'only the first frame is used')
  const large = await refusal(toVariants(save(gifOf(2000, 2000, 13))))
  t.match(large, { code: 'IMAGE_TOO_LARGE', statusCode: 413, message: /50 megapixels/ })
  t.ok(large.ms < 2_000, `${large.ms} ms`)
})

t.test('a truncated frame is an error', async (t) => {
  const noisy = painted(90, 90, (x, y) => [(x * 37) % 256, (y * 91) % 256, (x * y) % 256])
  const frames = await film([noisy, noisy.clone().negate(), noisy.clone().flip()], 90, 90)
  for (const [format, bytes] of [
    ['GIF', await frames.clone().gif().toBuffer()],
    ['WebP', await frames.clone().webp().toBuffer()],
  ] as const) {
    t.equal((await toVariants(save(bytes))).animated, true)
    for (const part of [0.2, 0.5, 0.7, 0.9, 0.99]) {
      const file = save(bytes.subarray(0, bytes.length * part))
      for (const work of [() => toVariants(file), () => toSquares(file, [48])]) {
        t.match(await refusal(work()), { code: 'BROKEN_IMAGE', message: /ends too early/ }, format)
      }
    }
  }
})
