import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'

type Creation = { challenge: string; rp: { id: string } }
type Request = { challenge: string; rpId: string }
type Lies = {
  origin?: string
  rpId?: string
  counter?: number
  format?: string
  type?: string
  id?: Buffer
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
const bytes = (base64url: string | undefined) =>
  new Uint8Array(Buffer.from(base64url ?? '', 'base64url'))

/** Flags of WebAuthn, section 6.1: a person was present; a credential follows. */
const PRESENT = 0x01
const WITH_CREDENTIAL = 0x40
/** Names of COSE (RFC 9053): key type, algorithm, curve, x, y. */
const [KTY, ALG, CRV, X, Y] = [1, 3, -1, -2, -3]

/**
 * A passkey in software, with its browser: it answers options of an origin as `toJSON()` of a browser does. The second
 * argument lets an answer lie.
 */
export function passkeyOf(
  origin: string,
  { curve = 'P-256', counts = true }: { curve?: 'P-256' | 'Ed25519'; counts?: boolean } = {},
) {
  const { privateKey, publicKey } =
    curve === 'P-256'
      ? generateKeyPairSync('ec', { namedCurve: curve })
      : generateKeyPairSync('ed25519')
  const { x, y } = publicKey.export({ format: 'jwk' })
  const key = new Map<number, number | Uint8Array>(
    curve === 'P-256'
      ? [
          [KTY, 2],
          [ALG, -7],
          [CRV, 1],
          [X, bytes(x)],
          [Y, bytes(y)],
        ]
      : [
          [KTY, 1],
          [ALG, -8],
          [CRV, 6],
          [X, bytes(x)],
        ],
  )
  const ownId = randomBytes(32)
  let used = 0

  const clientData = (type: string, challenge: string, lies: Lies) =>
    Buffer.from(
      JSON.stringify({ type, challenge, origin: lies.origin ?? origin, crossOrigin: false }),
    )

  function authenticatorData(rpId: string, lies: Lies, credential?: Buffer) {
    if (counts) used += 1
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(lies.counter ?? used)
    const flags = Buffer.from([credential ? PRESENT | WITH_CREDENTIAL : PRESENT])
    const hash = sha256(Buffer.from(lies.rpId ?? rpId))
    return Buffer.concat([hash, flags, counter, credential ?? Buffer.alloc(0)])
  }

  const signatureOf = (data: Buffer, client: Buffer) =>
    sign(curve === 'P-256' ? 'sha256' : null, Buffer.concat([data, sha256(client)]), privateKey)

  const credential = <Response extends object>(id: Buffer, response: Response) => ({
    id: base64(id),
    rawId: base64(id),
    type: 'public-key' as const,
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response,
  })

  /** Answers the options for a new passkey. */
  function create({ challenge, rp }: Creation, lies: Lies = {}) {
    const id = lies.id ?? ownId
    const length = Buffer.alloc(2)
    length.writeUInt16BE(id.length)
    const aaguid = Buffer.alloc(16)
    const attested = Buffer.concat([aaguid, length, id, Buffer.from(isoCBOR.encode(key))])
    const data = authenticatorData(rp.id, lies, attested)
    const client = clientData(lies.type ?? 'webauthn.create', challenge, lies)
    const { format = 'none' } = lies
    // WebAuthn, section 8.2: a passkey may attest itself.
    const statement: [string, unknown][] = [
      ['alg', key.get(ALG)],
      ['sig', new Uint8Array(signatureOf(data, client))],
    ]
    const attestation = new Map<string, unknown>([
      ['fmt', format],
      ['attStmt', new Map(format === 'packed' ? statement : [])],
      ['authData', new Uint8Array(data)],
    ])
    return credential(id, {
      clientDataJSON: base64(client),
      attestationObject: base64(isoCBOR.encode(attestation as never)),
      transports: ['internal', 'hybrid'],
    })
  }

  /** Answers the options for a login or an act. */
  function get({ challenge, rpId }: Request, lies: Lies = {}) {
    const client = clientData(lies.type ?? 'webauthn.get', challenge, lies)
    const data = authenticatorData(rpId, lies)
    return credential(lies.id ?? ownId, {
      clientDataJSON: base64(client),
      authenticatorData: base64(data),
      signature: base64(signatureOf(data, client)),
    })
  }

  return { create, get, id: base64(ownId) }
}
