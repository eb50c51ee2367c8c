import {
  BEFORE_NFC,
  Invitation as Code,
  Id,
  Name,
  nullable,
  Profile,
  Text,
  Timestamp,
} from 'birdhouse/schemas'
import { Type } from 'typebox'
import { REASON_MAX } from './waiting.ts'

const closed = { additionalProperties: false }
/** Uses of an invitation, and days until it expires, at most. */
const USES = 1000
const DAYS = 365

export const Refusal = Type.Object(
  {
    reason: Text({
      minLength: 1,
      maxLength: REASON_MAX * BEFORE_NFC,
      examples: ['This community is for people of Jeju'],
    }),
  },
  closed,
)

export const WaitingAccount = Type.Object({
  id: Id,
  handle: Type.String({ examples: ['hong'] }),
  name: Name,
  profile: Profile,
  email: Type.String({ examples: ['hong@example.com'] }),
  emailVerified: Type.Boolean({
    description: 'Whether the person has confirmed the e-mail address.',
  }),
  createdAt: Timestamp,
})

export const NewInvitation = Type.Object(
  {
    uses: Type.Integer({ minimum: 1, maximum: USES, default: 1 }),
    days: Type.Integer({
      minimum: 1,
      maximum: DAYS,
      default: 7,
      description: 'Days until the invitation expires.',
    }),
  },
  closed,
)

export const MadeInvitation = Type.Object({
  id: Id,
  code: Code,
  uses: Type.Integer({ examples: [1] }),
  expiresAt: Timestamp,
})

export const Invitation = Type.Object({
  id: Id,
  authorId: Type.Union([Id, Type.Null()], {
    description: 'The account that made it; null for the command line.',
  }),
  uses: Type.Integer({ examples: [1] }),
  usesLeft: Type.Integer({ examples: [0] }),
  createdAt: Timestamp,
  expiresAt: Timestamp,
  revokedAt: nullable(Timestamp),
  accounts: Type.Array(Type.Object({ id: Id, handle: Type.String({ examples: ['hong'] }) }), {
    description: 'The accounts that signed up with it and still exist.',
  }),
})
