import {
  BEFORE_NFC,
  Invitation as Code,
  Id,
  Line,
  Name,
  nullable,
  PageQuery,
  Profile,
  TermsVersion,
  Text,
  Timestamp,
} from 'birdhouse/schemas'
import { Type } from 'typebox'
import { REASON_MAX } from './waiting.ts'

const closed = { additionalProperties: false }
/** Uses of an invitation, and days until it expires, at most. */
const USES = 1000
const DAYS = 365

const Reason = Text({
  minLength: 1,
  maxLength: REASON_MAX * BEFORE_NFC,
  examples: ['This community is for people of Jeju'],
})

export const WithReason = Type.Object({ reason: Reason }, closed)

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

const Kind = Type.Union([Type.Literal('domain'), Type.Literal('range')], {
  description: 'The domain of an e-mail address, with its sub-domains; a range of addresses.',
})

export const BlocksQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Union([Type.Literal('active'), Type.Literal('lifted')], { default: 'active' }),
  },
  closed,
)

export const NewBlock = Type.Object(
  {
    kind: Kind,
    value: Line({ minLength: 1, maxLength: 300, examples: ['spam.example'] }),
    reason: Reason,
  },
  closed,
)

export const MadeBlock = Type.Object({
  id: Id,
  kind: Kind,
  value: Type.String({
    description: 'A domain in punycode, or a range in its canonical form.',
    examples: ['192.0.2.0/24'],
  }),
  reason: Type.String(),
})

export const SignUpBlock = Type.Object({ ...MadeBlock.properties, createdAt: Timestamp })

export const AcceptedTerms = Type.Object({ version: TermsVersion }, closed)
export const Terms = Type.Object(
  { version: TermsVersion, url: nullable(Type.String()), accepted: Type.Boolean() },
  {
    description: 'The current terms, if there are any; `accepted` is false until you accept them.',
  },
)
