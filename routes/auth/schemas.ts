import { type Static, Type } from 'typebox'
import { Email, Id, Line, ref, Text, Timestamp } from '../../plugins/schemas.ts'
import { BEFORE_NFC } from '../../plugins/text.ts'

declare module 'fastify' {
  interface Resources {
    Session: Static<typeof Session>
  }
}

const Password = (minLength: number) =>
  Line({ minLength, maxLength: 128, examples: ['correct horse battery'] })
const RefreshToken = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description:
    'Its first use spends it. The same use may be repeated for 10 seconds and gives the same next token; a use after that, or after the next token was used, ends the session.',
})

export const SignUp = Type.Object(
  {
    name: Line({ minLength: 1, maxLength: 50 * BEFORE_NFC, examples: ['Hong'] }),
    email: Email,
    password: Password(8),
    profile: Type.Optional(Text({ maxLength: 2000 * BEFORE_NFC })),
    handle: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{3,30}$',
        description: 'Made from the name when not given.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const Login = Type.Object(
  { email: Email, password: Password(1) },
  { additionalProperties: false },
)

export const Refresh = Type.Object({ refreshToken: RefreshToken }, { additionalProperties: false })

const tokens = {
  accessToken: Type.String({ description: 'Goes into Authorization: Bearer ...' }),
  expiresIn: Type.Integer({ description: 'Seconds the access token lives.', examples: [900] }),
  refreshToken: RefreshToken,
}

export const Tokens = Type.Object(tokens)
export const SignedIn = Type.Object({ user: ref('OwnUser'), ...tokens })

export const Session = Type.Object(
  {
    id: Id,
    current: Type.Boolean({ description: 'The session of this very request.' }),
    ip: Type.String(),
    userAgent: Type.String(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
  },
  { $id: 'Session', title: 'Session' },
)

export const Sessions = Type.Object({ items: Type.Array(ref('Session')) })
