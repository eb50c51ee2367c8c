import fc from 'fast-check'
import sharp from 'sharp'
import t from 'tap'
import { toBanners, toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import { fileWriter, refusal } from '../../../pictures/files.ts'
import { film, photo, plain } from '../../../pictures/make.ts'

const save = fileWriter(t)
const LIMITS = [320, 800, 1600]
const REFUSALS = new Map([
  ['UNSUPPORTED_IMAGE', 415],
  ['BROKEN_IMAGE', 422],
  ['IMAGE_TOO_LARGE', 413],
])

/** As often tiny as huge. */
const pixels = fc.double({ min: 0, max: 11.3, noNaN: true }).map((power) => Math.round(2 ** power))

t.test('variants have the right size for any size and orientation', async (t) => {
  const orientation = fc.integer({ min: 1, max: 8 })
  const property = fc.asyncProperty(pixels, pixels, orientation, async (w, h, orientation) => {
    const picture = plain(w, h, 'teal').withMetadata({ orientation })
    const { variants, width, height } = await toVariants(save(await picture.png().toBuffer()))
    const [uprightW, uprightH] = orientation < 5 ? [w, h] : [h, w]
    const longest = Math.max(w, h)
    const expected = LIMITS.filter((_, n) => n === 0 || (LIMITS[n - 1] ?? 0) < longest)
    t.strictSame(
      variants.map(({ limit }) => limit),
      expected,
      `${w}x${h}`,
    )
    for (const { limit, bytes, ...size } of variants) {
      const made = await sharp(bytes).metadata()
      t.strictSame({ width: made.width, height: made.height }, size)
      t.equal(Math.max(size.width, size.height), Math.min(limit, longest))
      const scale = Math.min(1, limit / longest)
      t.ok(Math.abs(size.width - Math.max(1, uprightW * scale)) <= 0.5, `${size.width}`)
      t.ok(Math.abs(size.height - Math.max(1, uprightH * scale)) <= 0.5, `${size.height}`)
    }
    t.match(variants.at(-1), { width, height })
  })
  await fc.assert(property, { numRuns: 40 })
})

t.test('changed bytes of a picture cause at most a rejection', async (t) => {
  const picture = await photo(60, 40, 2)
  const frames = await film([picture.clone(), picture.clone().negate()], 60, 40)
  const originals = [
    await picture.clone().jpeg().toBuffer(),
    await picture.clone().jpeg({ progressive: true }).withIccProfile('p3').toBuffer(),
    await picture.clone().png().toBuffer(),
    await picture.clone().png({ palette: true, progressive: true }).toBuffer(),
    await picture.clone().webp().toBuffer(),
    await picture.clone().webp({ lossless: true }).toBuffer(),
    await frames.clone().webp().toBuffer(),
    await frames.clone().gif().toBuffer(),
    await picture.clone().avif({ effort: 0 }).toBuffer(),
  ]
  const works = [
    toVariants,
    (file: string) => toSquares(file, [48]),
    (file: string) => toBanners(file, [60]),
  ]
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.nat(255) })
  // Headers are short, and most of what can go wrong is there.
  const early = fc.record({ at: fc.double({ min: 0, max: 0.1, noNaN: true }), to: fc.nat(255) })
  const property = fc.asyncProperty(
    fc.constantFrom(...originals),
    fc.array(fc.oneof(change, early), { maxLength: 12 }),
    fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    fc.constantFrom(...works),
    async (original, changes, length, work) => {
      const bytes = Buffer.from(original)
      for (const { at, to } of changes) bytes[Math.floor(at * (bytes.length - 1))] = to
      const file = save(bytes.subarray(0, bytes.length * length))
      const { code, statusCode, message } = await refusal(work(file))
      if (code === 'DONE') return
      t.equal(REFUSALS.get(code), statusCode, code)
      t.notMatch(message, /crashes|too long/, 'no worker dies')
    },
  )
  await fc.assert(property, { numRuns: 400 })
})

t.test('noise after the first bytes of a picture is only rejected', async (t) => {
  const starts = [
    '',
    '\xff\xd8\xff',
    '\x89PNG\r\n\x1a\n',
    'GIF89a',
    'RIFFxxxxWEBP',
    '\0\0\0\x1cftypavif',
  ]
  const property = fc.asyncProperty(
    fc.constantFrom(...starts),
    fc.uint8Array({ maxLength: 400 }),
    async (start, noise) => {
      const file = save(Buffer.concat([Buffer.from(start, 'latin1'), noise]))
      const { code, statusCode } = await refusal(toVariants(file))
      t.equal(REFUSALS.get(code), statusCode, code)
    },
  )
  await fc.assert(property, { numRuns: 150 })
})
