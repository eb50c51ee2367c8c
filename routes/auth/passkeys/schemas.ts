import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import {
  ACCOUNT_LIMITS,
  Base64Url,
  BEFORE_NFC,
  Email,
  Id,
  Line,
  nullable,
  Password,
  PublicKeyCredential,
  SecondFactorProof,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { EndOtherSessions } from '../schemas.ts'

const closed = { additionalProperties: false }
const described = (description: string) => ({ description })
const Name = Line({
  minLength: 1,
  maxLength: ACCOUNT_LIMITS.name * BEFORE_NFC,
  examples: ['My phone'],
})
const Transport = Type.String({ pattern: '^[a-z-]{1,20}$', examples: ['internal'] })

export const PasskeyRegistration = PublicKeyCredential(
  {
    clientDataJSON: Base64Url(2000),
    attestationObject: Base64Url(5000),
    transports: Type.Optional(Type.Array(Transport, { maxItems: 10 })),
  },
  'The new passkey: `(await navigator.credentials.create({ publicKey })).toJSON()` of a browser, where `publicKey` is `PublicKeyCredential.parseCreationOptionsFromJSON(options)`.',
)
export type PasskeyRegistration = Static<typeof PasskeyRegistration>

export const LoginOptionsRequest = Type.Object({ email: Email, password: Password }, closed)
export const CreationOptionsRequest = Type.Object(
  { password: Password, ...SecondFactorProof },
  closed,
)
export const NewPasskey = Type.Object(
  { name: Name, passkey: PasskeyRegistration, endOtherSessions: EndOtherSessions },
  closed,
)
export const PasskeyChange = Type.Object({ name: Name }, closed)
export const PasskeyRemoval = Type.Object(
  { password: Password, ...SecondFactorProof, endOtherSessions: EndOtherSessions },
  closed,
)

const passkey = {
  id: Id,
  name: Type.String(),
  createdAt: Timestamp,
  lastUsedAt: nullable(Timestamp),
}
export const Passkey = Type.Object(passkey)
export const PasskeyList = Type.Object({ items: Type.Array(Passkey) })
export const AddedPasskey = Type.Object({
  ...passkey,
  recoveryCodes: Type.Optional(
    Type.Array(
      Type.String(),
      described('Shown this once, if this passkey has switched the second factor on.'),
    ),
  ),
})

const Descriptor = Type.Object({
  id: Type.String(),
  type: Type.String(),
  transports: Type.Array(Type.String()),
})
const common = {
  challenge: Type.String(described('Valid for five minutes and one use.')),
  timeout: Type.Integer(described('In milliseconds.')),
}
export const RequestOptions = Type.Unsafe<PublicKeyCredentialRequestOptionsJSON>(
  Type.Object(
    {
      ...common,
      rpId: Type.String(),
      allowCredentials: Type.Array(Descriptor),
      userVerification: Type.String(),
    },
    described('`PublicKeyCredentialRequestOptionsJSON` of WebAuthn.'),
  ),
)
export const CreationOptions = Type.Unsafe<PublicKeyCredentialCreationOptionsJSON>(
  Type.Object(
    {
      ...common,
      rp: Type.Object({ id: Type.String(), name: Type.String() }),
      user: Type.Object({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
      pubKeyCredParams: Type.Array(Type.Object({ type: Type.String(), alg: Type.Integer() })),
      excludeCredentials: Type.Array(Descriptor),
      authenticatorSelection: Type.Object({
        residentKey: Type.String(),
        requireResidentKey: Type.Boolean(),
        userVerification: Type.String(),
      }),
      attestation: Type.String(),
    },
    described('`PublicKeyCredentialCreationOptionsJSON` of WebAuthn.'),
  ),
)
