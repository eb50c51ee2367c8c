import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import t from 'tap'
import { toBanners, toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import { chunksOf, distance, fileWriter, kept, largestOf } from '../../../pictures/files.ts'
import { CORNERS, corners, plain, sixteenBits } from '../../../pictures/make.ts'

const save = fileWriter(t)
const { red, green, blue, white } = CORNERS
const NEAR = 30

t.test('position, names, comments and profiles are removed', async (t) => {
  for (const type of ['jpg', 'png', 'webp', 'gif', 'avif']) {
    const file = kept(`gps.${type}`)
    const before = readFileSync(file)
    const metadata = await sharp(before).metadata()
    t.ok(before.includes('BIRDHOUSE-SECRET'), `${type} holds it`)
    t.ok((metadata.xmp ?? before).includes('GPSLatitude'), 'the sample has a position')
    if (type !== 'gif') t.ok(metadata.exif, 'EXIF')
    const { variants } = await toVariants(file)
    const made = [...variants.map(({ bytes }) => bytes)]
    made.push(...(await toSquares(file, [48, 400])), ...(await toBanners(file, [600])))
    for (const bytes of made) {
      for (const word of ['SECRET', 'GPS', 'Exif', 'EXIF', 'xmp', 'XMP', 'ICCP', 'acsp', 'Adobe']) {
        t.notOk(bytes.includes(word), `${type}: ${word}`)
      }
      for (const name of chunksOf(bytes)) t.match(name, /^(VP8 |VP8L|VP8X|ALPH)$/)
      const { exif, xmp, icc, iptc, orientation, density } = await sharp(bytes).metadata()
      for (const left of [exif, xmp, icc, iptc, orientation, density]) t.equal(left, undefined)
    }
  }
  const animated = await toVariants(
    save(
      await sharp(Buffer.alloc(8 * 16 * 3, 99), {
        raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
      })
        .withExif({ IFD0: { Artist: 'BIRDHOUSE-SECRET' } })
        .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">BIRDHOUSE-SECRET</x:xmpmeta>')
        .webp({ loop: 0 })
        .toBuffer(),
    ),
  )
  for (const { bytes } of animated.variants) {
    t.notOk(bytes.includes('SECRET'))
    for (const name of chunksOf(bytes)) t.match(name, /^(VP8X|ANIM|ANMF|VP8 |VP8L)$/)
  }
})

t.test('each of the eight orientations becomes upright', async (t) => {
  // The pixels in the corners, by what the tag says of row 0 and column 0 (EXIF 2.32, 4.6.4).
  const stored: Record<number, (keyof typeof CORNERS)[]> = {
    1: ['red', 'green', 'blue', 'white'],
    2: ['green', 'red', 'white', 'blue'],
    3: ['blue', 'white', 'red', 'green'],
    4: ['white', 'blue', 'green', 'red'],
    5: ['red', 'white', 'blue', 'green'],
    6: ['green', 'blue', 'white', 'red'],
    7: ['blue', 'green', 'red', 'white'],
    8: ['white', 'red', 'green', 'blue'],
  }
  for (const [orientation, names] of Object.entries(stored)) {
    const [width, height] = Number(orientation) < 5 ? [120, 80] : [80, 120]
    const colours = names.map((name) => CORNERS[name])
    const tagged = () =>
      corners(width, height, colours).withMetadata({ orientation: Number(orientation) })
    for (const [format, bytes] of Object.entries({
      JPEG: await tagged().jpeg().toBuffer(),
      PNG: await tagged().png().toBuffer(),
      WebP: await tagged().webp().toBuffer(),
    })) {
      t.equal((await sharp(bytes).metadata()).orientation, Number(orientation), 'it is tagged')
      const { width, height, at } = await largestOf(save(bytes))
      t.strictSame([width, height], [120, 80], `${format} ${orientation}`)
      const found = [at(0.2, 0.2), at(0.8, 0.2), at(0.8, 0.8), at(0.2, 0.8)]
      for (const [n, colour] of [red, green, blue, white].entries()) {
        t.ok(distance(found[n] ?? [], colour) < NEAR, `${format} ${orientation}: ${found[n]}`)
      }
    }
  }
})

t.test('colours of other profiles are converted to sRGB', async (t) => {
  const profiles = { 'Display P3': 'p3', 'Adobe RGB': kept('adobe-rgb.icc') }
  const colours: [string, number[]][] = [
    ['#c83232', [200, 50, 50]],
    ['#32c832', [50, 200, 50]],
    ['#ffcc00', [255, 204, 0]],
    ['#00a0ff', [0, 160, 255]],
  ]
  for (const [name, profile] of Object.entries(profiles)) {
    for (const [hex, rgb] of colours) {
      const made = () => plain(64, 64, hex).withIccProfile(profile)
      for (const [format, bytes] of Object.entries({
        JPEG: await made().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
        PNG: await made().png().toBuffer(),
        'PNG of 16 bits': await sixteenBits(await made().png().toBuffer()),
        WebP: await made().webp({ lossless: true }).toBuffer(),
        AVIF: await made().avif({ effort: 0, quality: 90 }).toBuffer(),
      })) {
        const label = `${name} ${format} ${hex}`
        const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()
        t.ok(distance([...stored.subarray(0, 3)], rgb) > 10, `${label}: other numbers in the file`)
        const { at } = await largestOf(save(bytes))
        t.ok(distance(at(0.5, 0.5), rgb) <= 6, `${label}: ${at(0.5, 0.5)}`)
      }
    }
  }
})
