import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { toDisk } from '../../plugins/multipart/disk.ts'

/** Bytes; as in plugins/multipart/disk.ts. */
const WORTH_TAKING = 16 * 1024

const folder = t.testdir()
let files = 0
const newPath = () => join(folder, String(files++))

/** A file's chunks as a parser hands them out, each with the body's bytes around it, or none. */
const chunks = fc.array(
  fc.record({
    length: fc.constantFrom(1, 300, WORTH_TAKING - 1, WORTH_TAKING, 65_536),
    byte: fc.nat(255),
    before: fc.nat(2),
    after: fc.nat(2),
  }),
  { minLength: 1, maxLength: 8 },
)

const inMemory = (length: number, byte: number, before = 0, after = 0) => {
  const memory = new Uint8Array(before + length + after).fill(0xee)
  return Buffer.from(memory.buffer, before, length).fill(byte)
}

t.test('uploads are written to disk, and exclusive buffers are detached', async (t) => {
  const works = fc.asyncProperty(chunks, async (file) => {
    const path = newPath()
    const sent = file.map(({ length, byte, before, after }) =>
      inMemory(length, byte, before, after),
    )
    await pipeline(Readable.from(sent, { objectMode: false }), toDisk(path))
    const whole = Buffer.concat(file.map(({ length, byte }) => Buffer.alloc(length, byte)))
    const taken = file.map(({ length, before, after }) =>
      before + after === 0 && length >= WORTH_TAKING ? 0 : length,
    )
    return (
      readFileSync(path).equals(whole) && sent.every(({ byteLength }, n) => byteLength === taken[n])
    )
  })
  await t.resolves(fc.assert(works, { numRuns: 200 }))
})

t.test('concurrent uploads keep their own bytes', async (t) => {
  const works = Array.from({ length: 40 }, async (_, n) => {
    const path = newPath()
    const sent = Array.from({ length: 20 }, (_, i) => inMemory(20_000, n + i))
    await pipeline(Readable.from(sent, { objectMode: false }), toDisk(path))
    return readFileSync(path).every((byte, at) => byte === n + Math.floor(at / 20_000))
  })
  t.ok((await Promise.all(works)).every(Boolean))
})

t.test('an existing file is never overwritten', async (t) => {
  const path = newPath()
  await pipeline(Readable.from(['first']), toDisk(path))
  await t.rejects(pipeline(Readable.from(['second']), toDisk(path)), { code: 'EEXIST' })
  t.equal(readFileSync(path, 'utf8'), 'first')
})

t.test('a partial write is an error for one chunk and for several', async (t) => {
  const disk = pathToFileURL(join(import.meta.dirname, '../../plugins/multipart/disk.ts')).href
  for (const chunks of [1, 8]) {
    const program = `
      import { Readable } from 'node:stream'
      import { pipeline } from 'node:stream/promises'
      // Node ignores it; what tests are run under doesn't.
      process.on('SIGXFSZ', () => {})
      const { toDisk } = await import(${JSON.stringify(disk)})
      const chunks = Array.from({ length: ${chunks} }, () => Buffer.alloc(${800_000 / chunks}))
      await pipeline(Readable.from(chunks, { objectMode: false }), toDisk(${JSON.stringify(newPath())}))
        .then(() => console.log('written'), ({ code }) => console.log(code))`
    // Blocks of 512 bytes: the file may have 51,200.
    const limited = ['-c', 'ulimit -f 100; exec "$0" --input-type=module -e "$1"']
    const { stdout, stderr } = spawnSync('sh', [...limited, process.execPath, program], {
      env: {},
    })
    t.equal(stdout.toString().trim(), 'EFBIG', stderr.toString())
  }
})
