import type { FastifyInstance } from 'birdhouse'
import type { PasskeyAnswer } from 'birdhouse/schemas'
import { CHALLENGE_LIFE } from './challenges.ts'
import type { PasskeyRegistration } from './schemas.ts'
import { createSite } from './site.ts'

/** EdDSA, ES256, RS256; the library's own list looks for experimental algorithms, of which Node warns. */
const ALGORITHMS = [-8, -7, -257]
/** The password comes first, so the authenticator need not ask for a PIN nor keep an account of its own. */
const SELECTION = { residentKey: 'discouraged', userVerification: 'discouraged' } as const
/** Bytes of columns. */
const LONGEST_ID = 1364
const LONGEST_KEY = 1024

export type Known = { credentialId: string; transports: string }
export type NewKey = Known & { publicKey: Buffer; counter: number }

/** Loaded at the first use: 27 MB that most processes never need. */
const library = () => import('@simplewebauthn/server')
const helpers = () => import('@simplewebauthn/server/helpers')

/** The ceremonies of WebAuthn for the site of this server. */
export function createWebAuthn(app: FastifyInstance) {
  const site = createSite(app)
  const timeout = CHALLENGE_LIFE * 1000

  /** Options for a browser that makes a passkey. @throws PasskeysUnavailable */
  async function creationOptions(
    user: { id: number; email: string; name: string },
    known: Known[],
    challenge: Buffer,
  ) {
    const { id, name } = site()
    const { generateRegistrationOptions } = await library()
    return generateRegistrationOptions({
      rpID: id,
      rpName: name,
      userID: new Uint8Array(Buffer.from(String(user.id))),
      userName: user.email,
      userDisplayName: user.name,
      challenge: new Uint8Array(challenge),
      timeout,
      attestationType: 'none',
      excludeCredentials: known.map(described),
      authenticatorSelection: { ...SELECTION },
      supportedAlgorithmIDs: ALGORITHMS,
    })
  }

  /** Options for a browser that uses a passkey. @throws PasskeysUnavailable */
  async function requestOptions(known: Known[], challenge: Buffer) {
    const { id } = site()
    const { generateAuthenticationOptions } = await library()
    return generateAuthenticationOptions({
      rpID: id,
      challenge: new Uint8Array(challenge),
      timeout,
      allowCredentials: known.map(described),
      userVerification: SELECTION.userVerification,
    })
  }

  /** Returns the new key. @throws Error of the library, PasskeysUnavailable */
  async function verifyRegistration(response: PasskeyRegistration, challenge: Buffer) {
    const { id, origins } = site()
    const { decodeAttestationObject, isoBase64URL } = await helpers()
    const { clientDataJSON, attestationObject, transports = [] } = response.response
    const format = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('fmt')
    // No other format was asked for; their parsers of certificates stay out of reach.
    if (format !== 'none') throw new Error('the attestation is not of the format none')
    const { verifyRegistrationResponse } = await library()
    const { registrationInfo } = await verifyRegistrationResponse({
      response: {
        ...response,
        response: { clientDataJSON, attestationObject },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: origins,
      expectedRPID: id,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    })
    if (!registrationInfo) throw new Error('the attestation is wrong')
    const { credential } = registrationInfo
    if (credential.id.length > LONGEST_ID || credential.publicKey.length > LONGEST_KEY)
      throw new Error('the credential is too large')
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      transports: [...new Set(transports)].join(','),
    }
  }

  /** Returns the new counter; undefined for a wrong signature. @throws Error of the library, PasskeysUnavailable */
  async function verifyUse(response: PasskeyAnswer, key: NewKey, challenge: Buffer) {
    const { id, origins } = site()
    const { verifyAuthenticationResponse } = await library()
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, clientExtensionResults: {} },
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: origins,
      expectedRPID: id,
      requireUserVerification: false,
      credential: {
        id: key.credentialId,
        publicKey: new Uint8Array(key.publicKey),
        counter: key.counter,
      },
    })
    return verified ? authenticationInfo.newCounter : undefined
  }

  return { site, creationOptions, requestOptions, verifyRegistration, verifyUse }
}

const described = ({ credentialId, transports }: Known) => ({
  id: credentialId,
  // Browsers may name a transport that the library does not know.
  transports: transports.split(',').filter(Boolean) as never[],
})

/** The challenge that the browser says it has signed; the library compares it with the signed bytes. */
export function challengeIn(clientDataJSON: string) {
  try {
    const { challenge } = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString())
    return Buffer.from(String(challenge), 'base64url')
  } catch {
    return Buffer.alloc(0)
  }
}
