import {
  Email,
  Id,
  NewPassword,
  nullable,
  PageOf,
  Password,
  ref,
  SecondFactorCode,
  SecondFactorProof,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    Session: Static<typeof Session>
  }
}

const RefreshToken = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description:
    'Valid for one use. The same request may be repeated for 10 seconds and returns the same new token; a use after that, or after the new token was used, ends the session.',
})

export const Login = Type.Object(
  { email: Email, password: Password, ...SecondFactorProof },
  { additionalProperties: false },
)

export const PasswordChange = Type.Object(
  { password: Password, newPassword: NewPassword, ...SecondFactorProof },
  { additionalProperties: false },
)

export const SecondFactorStart = Type.Object(
  { password: Password, ...SecondFactorProof },
  { additionalProperties: false },
)
export const EndOtherSessions = Type.Optional(
  Type.Boolean({ description: 'True ends all your other sessions at once; this one stays.' }),
)
export const SecondFactorConfirmation = Type.Object(
  { code: SecondFactorCode, endOtherSessions: EndOtherSessions },
  { additionalProperties: false },
)
export const SecondFactorStop = Type.Object(
  { password: Password, ...SecondFactorProof, endOtherSessions: EndOtherSessions },
  { additionalProperties: false },
)
export const SecondFactorSetUp = Type.Object({
  secret: Type.String({ description: 'In base 32, to be typed into an authenticator app.' }),
  url: Type.String({ description: 'The same as an `otpauth:` URL.' }),
})
export const SecondFactorState = Type.Object({
  isOn: Type.Boolean(),
  hasApp: Type.Boolean({ description: 'Whether an authenticator app is set up.' }),
  passkeys: Type.Integer({ minimum: 0, description: 'Number of passkeys.' }),
  recoveryCodesLeft: Type.Integer({ minimum: 0 }),
})
export const RecoveryCodes = Type.Object({ recoveryCodes: Type.Array(Type.String()) })

export const Refresh = Type.Object({ refreshToken: RefreshToken }, { additionalProperties: false })

const tokens = {
  accessToken: Type.String({
    description: 'Send it in the header `Authorization: Bearer <accessToken>`.',
  }),
  expiresIn: Type.Integer({
    description: 'Lifetime of the access token in seconds.',
    examples: [900],
  }),
  refreshToken: RefreshToken,
}

export const Tokens = Type.Object(tokens)
export const SignedIn = Type.Object({ user: ref('OwnUser'), ...tokens })
export const Waiting = Type.Object({
  id: Id,
  state: Type.Literal('waiting', {
    description: 'The account cannot be used before a moderator approves it.',
  }),
})

export const Session = Type.Object(
  {
    id: Id,
    current: Type.Boolean({ description: 'True for the session that makes this request.' }),
    ip: Type.String({ description: 'Empty 90 days after the login.' }),
    userAgent: Type.String(),
    app: nullable(
      Type.String({
        description: 'The app that you allowed to use your account; null for a login.',
        examples: ['Ivory'],
      }),
    ),
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
  },
  { $id: 'Session', title: 'Session' },
)

export const SessionPage = PageOf(ref('Session'))
