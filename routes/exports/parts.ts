import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'birdhouse'

/** Bytes of a part: what one archive needs of memory. */
const PART = 4 * 1024 * 1024
const CIPHER = 'aes-256-gcm'
/** Bytes (NIST SP 800-38D, section 5.2.1.2). */
const TAG = 16
const TYPE = 'application/octet-stream'

/** 192 random bits, which name the objects of one archive. */
export const newFolder = () => randomBytes(24).toString('base64url')
export const newSecret = () => randomBytes(32)

const objectOf = (folder: string, n: number) => `exports/${folder}/${n}`

/** The number of the part, which no other part of this key has (NIST SP 800-38D, section 8.2.1). */
function ivOf(n: number) {
  const iv = Buffer.alloc(12)
  iv.writeUInt32BE(n, 8)
  return iv
}

function seal(secret: Buffer, n: number, bytes: Buffer) {
  const cipher = createCipheriv(CIPHER, secret, ivOf(n), { authTagLength: TAG })
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()])
  return Buffer.concat([cipher.getAuthTag(), sealed])
}

/** @throws Error when the part was changed or is another one */
function unseal(secret: Buffer, n: number, sealed: Buffer) {
  const decipher = createDecipheriv(CIPHER, secret, ivOf(n), { authTagLength: TAG })
  decipher.setAuthTag(sealed.subarray(0, TAG))
  return Buffer.concat([decipher.update(sealed.subarray(TAG)), decipher.final()])
}

/** Yields the bytes in pieces of `PART`; the last one may be shorter. */
async function* inParts(bytes: AsyncIterable<Buffer>) {
  let chunks: Buffer[] = []
  let length = 0
  for await (const chunk of bytes) {
    chunks.push(chunk)
    length += chunk.length
    for (; length >= PART; length -= PART) {
      const all = Buffer.concat(chunks)
      yield all.subarray(0, PART)
      chunks = [all.subarray(PART)]
    }
  }
  if (length > 0) yield Buffer.concat(chunks)
}

type Archive = { folder: string; secret: Buffer }

/** The encrypted parts of archives in the bucket. */
export function createParts({ s3 }: FastifyInstance) {
  /** Stores the archive; `onPart` runs after each part and may throw to end. Returns what to read it with. */
  async function store(
    { folder, secret }: Archive,
    archive: AsyncIterable<Buffer>,
    onPart: () => Promise<void>,
  ) {
    const stored = { parts: 0, bytes: 0 }
    for await (const part of inParts(archive)) {
      await s3.put(objectOf(folder, stored.parts), seal(secret, stored.parts, part), TYPE)
      stored.parts++
      stored.bytes += part.length
      await onPart()
    }
    return stored
  }

  /** Reads the archive; a part is in memory at a time. @throws StorageUnavailable */
  async function* read({ folder, secret }: Archive, parts: number) {
    for (let n = 0; n < parts; n++)
      yield unseal(secret, n, Buffer.from(await s3.get(objectOf(folder, n))))
  }

  /** Deletes all parts, also those of a run that ended early. @throws StorageUnavailable */
  async function remove(folder: string) {
    for (let after: string | null = ''; after !== null; ) {
      const { objects, next } = await s3.list(`exports/${folder}/`, after)
      await s3.remove(objects.map(({ key }) => key))
      after = next
    }
  }

  return { store, read, remove }
}
