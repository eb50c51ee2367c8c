import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { toBanners, toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import { fileWriter, kept, refusal } from '../../../pictures/files.ts'
import { corners, film, gifOf, photo, plain, pngOf, textChunk } from '../../../pictures/make.ts'
import { peaksOfWorkers } from '../../../pictures/workers.ts'

const save = fileWriter(t)
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
const HTML = '<!doctype html><script>alert(1)</script>'
const PNG = '\x89PNG\r\n\x1a\n'

t.test('files that are no supported picture are rejected', async (t) => {
  const files: Record<string, Buffer | string> = {
    nothing: '',
    'one byte': '\xff',
    text: 'hello',
    zeroes: Buffer.alloc(5_000),
    SVG,
    'SVG with a declaration': `<?xml version="1.0"?>\n${SVG}`,
    'packed SVG': gzipSync(SVG),
    HTML,
    'HTML that names a format': `GIF8${HTML}`,
    PDF: '%PDF-1.7\n1 0 obj',
    TIFF: await corners(20, 20).tiff().toBuffer(),
    BMP: Buffer.from('424d460000000000000036000000280000000200000002000000', 'hex'),
    'JPEG XL': Buffer.from('0000000c4a584c200d0a870a', 'hex'),
    HEIC: readFileSync(kept('still.heic')),
    MP4: Buffer.from('000000186674797069736f6d00000200', 'hex'),
    RIFF: Buffer.from('RIFF\x10\x00\x00\x00WAVEfmt ', 'latin1'),
  }
  for (const [kind, bytes] of Object.entries(files)) {
    const file = save(bytes)
    for (const work of [
      () => toVariants(file),
      () => toSquares(file, [48]),
      () => toBanners(file, [600]),
    ]) {
      t.match(await refusal(work()), { code: 'UNSUPPORTED_IMAGE', statusCode: 415 }, kind)
    }
  }
})

t.test('truncated pictures are rejected at any length', async (t) => {
  const picture = await photo(120, 90, 1)
  const files: Record<string, Buffer> = {
    JPEG: await picture.clone().jpeg().toBuffer(),
    'progressive JPEG': await picture.clone().jpeg({ progressive: true }).toBuffer(),
    PNG: await picture.clone().png().toBuffer(),
    'interlaced PNG': await picture.clone().png({ progressive: true }).toBuffer(),
    WebP: await picture.clone().webp().toBuffer(),
    'lossless WebP': await picture.clone().webp({ lossless: true }).toBuffer(),
    GIF: await picture.clone().gif().toBuffer(),
    AVIF: await picture.clone().avif({ effort: 0 }).toBuffer(),
  }
  for (const [kind, bytes] of Object.entries(files)) {
    // The last part is an end mark, whose lack hurts no pixel.
    const end = bytes.length - 16
    for (const part of [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1]) {
      const file = save(bytes.subarray(0, Math.max(40, end * part)))
      const label = `${kind}, ${part * 100} %`
      for (const work of [
        () => toVariants(file),
        () => toSquares(file, [16]),
        () => toBanners(file, [30]),
      ]) {
        t.match(await refusal(work()), { code: 'BROKEN_IMAGE', statusCode: 422 }, label)
      }
      // libpng does not say what is wrong with an interlaced PNG.
      if (part >= 0.5 && !kind.startsWith('interlaced'))
        t.match((await refusal(toVariants(file))).message, /ends too early/, label)
    }
    t.equal((await refusal(toVariants(save(bytes)))).code, 'DONE', `${kind}, whole`)
  }
})

t.test('a file that only looks like a picture is named as such', async (t) => {
  for (const bytes of [
    Buffer.from(`${PNG}${'x'.repeat(300)}`, 'latin1'),
    Buffer.from(`\xff\xd8\xff\xe0${HTML}`, 'latin1'),
    Buffer.from(`GIF89a${HTML}`, 'latin1'),
    Buffer.from(`RIFF\x40\x00\x00\x00WEBPVP8 ${HTML}`, 'latin1'),
    rebranded(readFileSync(kept('still.heic'))),
    Buffer.from('0000001c667479706176696600000000617669666d696631', 'hex'),
  ]) {
    const { message, ...rest } = await refusal(toVariants(save(bytes)))
    t.match(rest, { code: 'BROKEN_IMAGE', statusCode: 422 }, bytes.toString('latin1', 0, 16))
    t.match(message, /^The image cannot be decoded whole: [\w ]+\.$/, 'no path, no jargon')
  }
})

t.test('too many pixels are rejected from the header, without using memory', async (t) => {
  const webp = await plain(16_383, 3_100, 'red').webp({ lossless: true, effort: 0 }).toBuffer()
  const files: Record<string, Buffer> = {
    'PNG of 60,000 x 60,000': pngOf(60_000, 60_000),
    'GIF of 60,000 x 60,000': gifOf(60_000, 60_000, 1, true),
    'GIF of 60,000 x 60,000, a hundred times': gifOf(60_000, 60_000, 100, true),
    'JPEG of 60,000 x 60,000': await sized(),
    'WebP of 50.8 megapixels': webp,
    'AVIF of 60,000 x 60,000': await spatialExtents(60_000),
    'AVIF of 16.2 megapixels': await spatialExtents(4_020),
    'PNG of 1 x 50,000,000': pngOf(1, 50_000_000),
    'PNG of 50,000,000 x 1': pngOf(50_000_000, 1),
    'GIF of 16,384 x 9': gifOf(16_384, 9, 1, true),
  }
  await toSquares(save(await plain(9, 9, 'red').png().toBuffer()), [48])
  const before = Math.max(...peaksOfWorkers())
  for (const [kind, bytes] of Object.entries(files)) {
    const file = save(bytes)
    for (const work of [() => toVariants(file), () => toSquares(file, [48])]) {
      const { ms, ...answer } = await refusal(work())
      t.match(answer, { code: 'IMAGE_TOO_LARGE', statusCode: 413 }, kind)
      t.ok(ms < 1_000, `${kind}: ${Math.round(ms)} ms`)
    }
  }
  const grown = Math.max(...peaksOfWorkers()) - before
  t.ok(grown < 60 * 1024, `${grown} KiB more`)
  t.equal(
    (await refusal(toVariants(save(pngOf(7_000, 7_000))))).code,
    'BROKEN_IMAGE',
    '49 are read',
  )
})

t.test('too many parts are rejected before the file is decoded', async (t) => {
  const png = await plain(9, 9, 'red').png().toBuffer()
  const progressive = await plain(64, 64, 'red').jpeg({ progressive: true }).toBuffer()
  const lastScan = progressive.subarray(progressive.lastIndexOf(Buffer.from([0xff, 0xda])), -2)
  const colours = Array.from({ length: 501 }, (_, n) => plain(2, 2, n % 2 ? 'red' : 'blue'))
  const texts = Array.from({ length: 101 }, () => textChunk(4_000_000))
  const cases: [Buffer, object][] = [
    [
      Buffer.concat([png.subarray(0, 33), ...texts, png.subarray(33)]),
      { code: 'IMAGE_TOO_COMPLEX', statusCode: 422, message: /100 text chunks; save it without/ },
    ],
    [
      Buffer.concat([progressive.subarray(0, -2), ...Array(50).fill(lastScan)]),
      { code: 'IMAGE_TOO_COMPLEX', statusCode: 422, message: /50 scans; save it as/ },
    ],
    [
      await (await film(colours, 2, 2)).webp({ lossless: true }).toBuffer(),
      { code: 'IMAGE_TOO_LARGE', statusCode: 413, message: /500 frames; shorten it/ },
    ],
  ]
  for (const [bytes, expected] of cases) {
    const file = save(bytes)
    for (const work of [() => toVariants(file), () => toSquares(file, [48])])
      t.match(await refusal(work()), expected)
  }
})

t.test('a marker of a scan that metadata contains by chance is no scan', async (t) => {
  const jpeg = await plain(9, 9, 'red').jpeg().toBuffer()
  const chance = Buffer.alloc(200, Buffer.from([0xff, 0xda]))
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 202]), chance])
  const file = save(Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2), chance]))
  t.equal((await refusal(toVariants(file))).code, 'DONE')
})

/** A JPEG whose frame header (ITU T.81, B.2.2) says more than there is. */
async function sized() {
  const bytes = await plain(64, 64, 'red').jpeg().toBuffer()
  const header = bytes.indexOf(Buffer.from([0xff, 0xc0]))
  bytes.writeUInt16BE(60_000, header + 5)
  bytes.writeUInt16BE(60_000, header + 7)
  return bytes
}

/** An AVIF whose `ispe` property says more than there is. */
async function spatialExtents(pixels: number) {
  const bytes = await plain(64, 64, 'red').avif({ effort: 0 }).toBuffer()
  const property = bytes.indexOf('ispe')
  bytes.writeUInt32BE(pixels, property + 8)
  bytes.writeUInt32BE(pixels, property + 12)
  return bytes
}

/** A HEIC that says it is an AVIF. */
function rebranded(heic: Buffer) {
  const bytes = Buffer.from(heic)
  bytes.write('avif', 8, 'latin1')
  return bytes
}
