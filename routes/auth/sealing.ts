import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
/** Bytes (NIST SP 800-38D, sections 8.2 and 5.2.1.2). */
const IV = 12
const TAG = 16

const keyOf = (secret: string) =>
  Buffer.from(hkdfSync('sha256', secret, '', 'birdhouse second factor', 32))

/**
 * Encrypts with the first secret and decrypts with each. `owner` is authenticated, so that a sealed text is of no use
 * in the row of another account.
 */
export function createSealing(secrets: string[]) {
  const keys = secrets.map(keyOf)

  /** Undefined without a secret. */
  function seal(plain: string, owner: number) {
    const [key] = keys
    if (!key) return undefined
    const iv = randomBytes(IV)
    const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG }).setAAD(owned(owner))
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
  }

  /** Undefined if none of the secrets has sealed the text. */
  function open(sealed: string, owner: number) {
    for (const [n, key] of keys.entries()) {
      const plain = openWith(key, Buffer.from(sealed, 'base64'), owner)
      if (plain !== undefined) return { plain, isNewest: n === 0 }
    }
    return undefined
  }

  return { seal, open }
}

function openWith(key: Buffer, bytes: Buffer, owner: number) {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV), { authTagLength: TAG })
  decipher.setAAD(owned(owner)).setAuthTag(bytes.subarray(IV, IV + TAG))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV + TAG)), decipher.final()]).toString()
  } catch {
    return undefined
  }
}

const owned = (id: number) => Buffer.from(String(id))
