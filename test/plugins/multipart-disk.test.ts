import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import t from 'tap'
import { toDisk } from '../../plugins/multipart/disk.ts'

const folder = t.testdir()
let files = 0
const newPath = () => join(folder, String(files++))

/** A file's chunks as a parser hands them out, each with the body's bytes around it, or none. */
const chunks = fc.array(
  fc.record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    before: fc.nat(3),
    after: fc.nat(3),
  }),
  { minLength: 1, maxLength: 8 },
)

const inMemory = (bytes: Uint8Array, before: number, after: number) => {
  const memory = Buffer.alloc(before + bytes.length + after, 0xee)
  // As a socket's: not out of the pool that small buffers share.
  const own = Buffer.from(new Uint8Array(memory).buffer)
  own.set(bytes, before)
  return own.subarray(before, before + bytes.length)
}

t.test('what comes is written; memory is taken where it held nothing else', async (t) => {
  const works = fc.asyncProperty(chunks, async (file) => {
    const path = newPath()
    const sent = file.map(({ bytes, before, after }) => inMemory(bytes, before, after))
    await pipeline(Readable.from(sent, { objectMode: false }), toDisk(path))
    const whole = Buffer.concat(file.map(({ bytes }) => bytes))
    const taken = file.map(({ bytes, before, after }) => (before + after ? bytes.length : 0))
    return (
      readFileSync(path).equals(whole) && sent.every(({ byteLength }, n) => byteLength === taken[n])
    )
  })
  await t.resolves(fc.assert(works, { numRuns: 200 }))
})

t.test('many files at once, each with its own bytes', async (t) => {
  const works = Array.from({ length: 40 }, async (_, n) => {
    const path = newPath()
    const sent = Array.from({ length: 20 }, (_, i) =>
      inMemory(new Uint8Array(999).fill(n + i), 0, 0),
    )
    await pipeline(Readable.from(sent, { objectMode: false }), toDisk(path))
    return readFileSync(path).every((byte, at) => byte === n + Math.floor(at / 999))
  })
  t.ok((await Promise.all(works)).every(Boolean))
})

t.test('a file that is there is left alone', async (t) => {
  const path = newPath()
  await pipeline(Readable.from(['first']), toDisk(path))
  await t.rejects(pipeline(Readable.from(['second']), toDisk(path)), { code: 'EEXIST' })
  t.equal(readFileSync(path, 'utf8'), 'first')
})
