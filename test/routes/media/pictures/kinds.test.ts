import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import t from 'tap'
import { toBanners, toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import {
  chunksOf,
  distance,
  fileWriter,
  kept,
  largestOf,
  pixelsOf,
} from '../../../pictures/files.ts'
import { CORNERS, corners, gifOf, painted, photo, plain } from '../../../pictures/make.ts'

const save = fileWriter(t)
const { red, green, blue, white } = CORNERS
/** WebP halves the resolution of colour, and other formats round as well. */
const NEAR = 30

t.test(
  'a photograph gets three variants, a small picture fewer, and none is enlarged',
  async (t) => {
    const sizes = async (width: number, height: number) => {
      const rendition = await toVariants(save(await plain(width, height, 'red').png().toBuffer()))
      const decoded = await Promise.all(
        rendition.variants.map(({ bytes }) => sharp(bytes).metadata()),
      )
      for (const [n, { format, width, height, space }] of decoded.entries()) {
        t.equal(format, 'webp')
        t.equal(space, 'srgb')
        t.match(rendition.variants[n], { width, height }, 'as big as it says')
      }
      t.match(rendition.variants.at(-1), { width: rendition.width, height: rendition.height })
      t.equal(rendition.animated, false)
      return rendition.variants.map(({ limit, width, height }) => `${limit}: ${width}x${height}`)
    }
    t.strictSame(await sizes(4000, 3000), ['320: 320x240', '800: 800x600', '1600: 1600x1200'])
    t.strictSame(await sizes(1500, 3000), ['320: 160x320', '800: 400x800', '1600: 800x1600'])
    t.strictSame(await sizes(1000, 500), ['320: 320x160', '800: 800x400', '1600: 1000x500'])
    t.strictSame(await sizes(800, 800), ['320: 320x320', '800: 800x800'])
    t.strictSame(await sizes(801, 10), ['320: 320x4', '800: 800x10', '1600: 801x10'])
    t.strictSame(await sizes(500, 300), ['320: 320x192', '800: 500x300'])
    t.strictSame(await sizes(320, 320), ['320: 320x320'])
    t.strictSame(await sizes(1, 1), ['320: 1x1'])
    t.strictSame(await sizes(16_383, 1), ['320: 320x1', '800: 800x1', '1600: 1600x1'])
    t.strictSame(await sizes(1, 16_383), ['320: 1x320', '800: 1x800', '1600: 1x1600'])
  },
)

t.test('every kind of every format keeps its colours', async (t) => {
  const picture = () => corners(120, 90)
  const files: Record<string, Buffer> = {
    JPEG: await picture().jpeg().toBuffer(),
    'progressive JPEG': await picture().jpeg({ progressive: true }).toBuffer(),
    'CMYK JPEG': await picture().toColourspace('cmyk').jpeg().toBuffer(),
    PNG: await picture().png().toBuffer(),
    'interlaced PNG': await picture().png({ progressive: true }).toBuffer(),
    'PNG with a palette': await picture().png({ palette: true }).toBuffer(),
    'PNG of 16 bits': await picture().toColourspace('rgb16').png().toBuffer(),
    WebP: await picture().webp().toBuffer(),
    'lossless WebP': await picture().webp({ lossless: true }).toBuffer(),
    GIF: await picture().gif().toBuffer(),
    AVIF: await picture().avif({ effort: 0 }).toBuffer(),
    'AVIF of 10 bits': readFileSync(kept('ten-bits.avif')),
    'the still of an animated AVIF': readFileSync(kept('animated.avif')),
  }
  for (const [kind, bytes] of Object.entries(files)) {
    const near = kind.startsWith('CMYK') ? 80 : NEAR
    const { at } = await largestOf(save(bytes))
    const found = [at(0.2, 0.2), at(0.8, 0.2), at(0.8, 0.8), at(0.2, 0.8)]
    for (const [n, colour] of [red, green, blue, white].entries()) {
      t.ok(distance(found[n] ?? [], colour) < near, `${kind}: ${found[n]} is ${colour}`)
    }
  }
})

t.test('grey and transparent pictures are kept', async (t) => {
  const grey = () => painted(64, 64, (x) => (x < 32 ? [60, 60, 60] : [200, 200, 200]))
  for (const [kind, bytes] of Object.entries({
    'grey PNG': await grey().toColourspace('b-w').png().toBuffer(),
    'grey PNG of 16 bits': await grey().toColourspace('grey16').png().toBuffer(),
    'grey JPEG': await grey().toColourspace('b-w').jpeg().toBuffer(),
  })) {
    t.ok((await sharp(bytes).metadata()).channels === 1, `${kind} has one channel`)
    const { at } = await largestOf(save(bytes))
    t.ok(distance(at(0.25, 0.5), [60, 60, 60]) < 8, `${kind} ${at(0.25, 0.5)}`)
    t.ok(distance(at(0.75, 0.5), [200, 200, 200]) < 8, `${kind} ${at(0.75, 0.5)}`)
  }
  const hole = { create: { width: 32, height: 64, channels: 4, background: '#f00' } } as const
  const half = sharp(hole).extend({ right: 32, background: '#00ff0000' })
  for (const [kind, bytes] of Object.entries({
    PNG: await half.clone().png().toBuffer(),
    'PNG with a palette': await half.clone().png({ palette: true }).toBuffer(),
    WebP: await half.clone().webp().toBuffer(),
    GIF: await half.clone().gif().toBuffer(),
    AVIF: await half.clone().avif({ effort: 0 }).toBuffer(),
  })) {
    const { at } = await largestOf(save(bytes))
    t.ok(distance(at(0.2, 0.5), [255, 0, 0, 255]) < NEAR, `${kind} ${at(0.2, 0.5)}`)
    t.equal(at(0.8, 0.5)[3], 0, `${kind} stays transparent`)
  }
})

t.test('squares and banners show the middle of any picture', async (t) => {
  // Only the middle third is green.
  const wide = painted(900, 100, (x) => (x >= 400 && x < 500 ? green : red))
  const file = save(await wide.png().toBuffer())
  for (const [n, bytes] of (await toSquares(file, [48, 128, 400])).entries()) {
    const { width, height, at } = await pixelsOf(bytes)
    t.strictSame([width, height], Array(2).fill([48, 128, 400][n]))
    for (const x of [0.1, 0.9]) t.ok(distance(at(x, 0.5), green) < NEAR, `${at(x, 0.5)}`)
  }
  const high = painted(300, 300, (_, y) => (y >= 100 && y < 200 ? blue : red))
  for (const [n, bytes] of (
    await toBanners(save(await high.png().toBuffer()), [600, 1500])
  ).entries()) {
    const { width, height, at } = await pixelsOf(bytes)
    t.strictSame(
      [width, height],
      [
        [600, 200],
        [1500, 500],
      ][n],
    )
    for (const y of [0.1, 0.9]) t.ok(distance(at(0.5, y), blue) < NEAR, `${at(0.5, y)}`)
  }
  for (const [width, height] of [
    [1, 1],
    [16_383, 1],
    [1, 16_383],
    [3, 2000],
  ] as const) {
    const odd = save(await plain(width, height, '#dc1e1e').png().toBuffer())
    for (const bytes of [...(await toSquares(odd, [48, 400])), ...(await toBanners(odd, [600]))]) {
      t.ok(distance((await pixelsOf(bytes)).at(0.5, 0.5), red) < NEAR, `${width}x${height}`)
    }
  }
  const [still = Buffer.alloc(0)] = await toSquares(save(gifOf(40, 40, 5)), [48])
  t.equal((await sharp(still).metadata()).pages, undefined, 'an animation stands still')
})

t.test('a polyglot file leaves only the picture', async (t) => {
  const html = '<script>alert("POLYGLOT")</script>'
  const picture = await (await photo(200, 100)).jpeg().toBuffer()
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, html.length + 2]), Buffer.from(html)])
  const gif = gifOf(8, 8)
  for (const [kind, bytes] of Object.entries({
    'HTML after a JPEG': Buffer.concat([picture, Buffer.from(html)]),
    'HTML in a JPEG': Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)]),
    'ZIP after a JPEG': Buffer.concat([picture, Buffer.from('PK\x03\x04POLYGLOT')]),
    'PHP after a PNG': Buffer.concat([
      await corners(9, 9).png().toBuffer(),
      Buffer.from('<?php POLYGLOT'),
    ]),
    'script after a GIF': Buffer.concat([gif, Buffer.from('*/=1;alert("POLYGLOT")')]),
    'HTML after a WebP': Buffer.concat([await corners(9, 9).webp().toBuffer(), Buffer.from(html)]),
  })) {
    t.ok(bytes.includes('POLYGLOT'))
    const { variants } = await toVariants(save(bytes))
    for (const { bytes } of variants) {
      t.notOk(bytes.includes('POLYGLOT'), kind)
      t.equal(bytes.readUInt32LE(4) + 8, bytes.length, 'nothing follows the picture')
      for (const name of chunksOf(bytes)) t.match(name, /^(VP8 |VP8L|VP8X|ALPH)$/)
    }
  }
})
