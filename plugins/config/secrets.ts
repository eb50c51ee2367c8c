import { listOf } from './setting.ts'

// RFC 7518, section 3.2: an HS256 key has at least as many bits as the hash, that is 32 bytes.
const MIN_BYTES = 32
/** Distinct characters, and distinct distances between neighbours, at least; 16 random bytes in hex have more. */
const MIN_VARIETY = 8
/** Words of placeholders; six letters do not occur by chance. */
const PLACEHOLDER = /secret|change|password|example|placeholder|birdhouse|please/i

export const SECRETS = `random secrets of at least ${MIN_BYTES} bytes, newest first, comma-separated, for example from: openssl rand -base64 48`

/** Returns the secrets of a comma-separated list. @throws Error that says how to correct the list */
export function readSecrets(text: string) {
  const secrets = listOf(text)
  const weak = secrets.filter((secret) => !isRandom(secret))
  if (secrets.length > 0 && weak.length === 0) return secrets
  throw new Error(
    `${weak.length} of its ${secrets.length} secrets are too weak; set it to ${SECRETS}`,
  )
}

/** False for text that is short, in order (`abcd`, `0123`), repeated, or a placeholder. */
function isRandom(secret: string) {
  const codes = [...Buffer.from(secret)]
  const distances = codes.slice(1).map((code, n) => code - (codes[n] ?? 0))
  return (
    codes.length >= MIN_BYTES &&
    new Set(codes).size >= MIN_VARIETY &&
    new Set(distances).size >= MIN_VARIETY &&
    !/(.{8}).*\1/s.test(secret) &&
    !PLACEHOLDER.test(secret)
  )
}
