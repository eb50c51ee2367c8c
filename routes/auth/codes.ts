import { createHash } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'

/** Steps of 30 seconds that a clock may differ by (RFC 6238, section 5.2). */
const WINDOW = 1
const RECOVERY_CODES = 10
/** Bytes; OWASP ASVS 6.5.2 allows a plain hash from 112 bits on. */
const RECOVERY_BYTES = 15
/** RFC 4226, section 4: 160 bits are recommended. */
const SECRET_BYTES = 20

export const newSecret = () => new Secret({ size: SECRET_BYTES }).base32

/** The URL that authenticator apps read as a QR code. */
export const urlOf = (secret: string, label: string) =>
  new TOTP({ issuer: 'Birdhouse', label, secret: Secret.fromBase32(secret) }).toString()

/** Codes are typed with spaces and dashes, in any case. */
export const plainCode = (code: string) => code.replace(/[ -]/g, '').toUpperCase()

export const isTotp = (code: string) => /^\d{6}$/.test(code)

/** The step of RFC 6238 that the code belongs to, if it is one of the current ones. */
export function stepOf(secret: string, token: string, timestamp = Date.now()) {
  const delta = TOTP.validate({
    token,
    secret: Secret.fromBase32(secret),
    window: WINDOW,
    timestamp,
  })
  return delta === null ? undefined : TOTP.counter({ timestamp }) + delta
}

/** New recovery codes, in groups of four characters. */
export const newRecoveryCodes = () =>
  Array.from({ length: RECOVERY_CODES }, () =>
    (new Secret({ size: RECOVERY_BYTES }).base32.match(/.{4}/g) ?? []).join('-'),
  )

export const recoveryHash = (code: string) => createHash('sha256').update(plainCode(code)).digest()
