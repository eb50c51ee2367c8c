import { BEFORE_NFC, Cursor, Id, nullable, Text, Timestamp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    ModerationAct: Static<typeof ModerationAct>
    ModeratedAccount: Static<typeof ModeratedAccount>
  }
}

/** Code points of a reason, a report, an appeal or an answer. */
export const TEXT_MAX = 1000

export const options = { additionalProperties: false }
export const Account = Type.Object({
  id: Id,
  handle: nullable(Type.String({ description: 'Null once the account is deleted.' })),
})

export const Reason = Text({
  minLength: 1,
  maxLength: TEXT_MAX * BEFORE_NFC,
  examples: ['Advertising in replies'],
})

export const ModerationAct = Type.Object(
  {
    id: Id,
    act: Type.String({ examples: ['suspend'] }),
    actor: Type.Union([Account, Type.Null()], {
      description: 'Null for an act on the command line.',
    }),
    target: Type.Object({ kind: Type.String({ examples: ['account'] }), id: Id }),
    account: Type.Union([Account, Type.Null()], {
      description: 'The account whose owner the act concerns.',
    }),
    reason: Type.Union([Type.String(), Type.Null()], {
      description: 'Null without a reason, and once the account is erased.',
    }),
    createdAt: Timestamp,
  },
  { $id: 'ModerationAct', title: 'ModerationAct' },
)

const Role = Type.Union([Type.Literal('user'), Type.Literal('moderator'), Type.Literal('admin')])

export const ModeratedAccount = Type.Object(
  {
    id: Id,
    handle: Type.String({ examples: ['hong'] }),
    name: Type.String({ examples: ['Hong'] }),
    role: Role,
    state: Type.Union([
      Type.Literal('active'),
      Type.Literal('limited', { description: 'Its tweets are seen by its followers alone.' }),
      Type.Literal('suspended', { description: 'Nobody sees it, and it cannot log in.' }),
      Type.Literal('waiting', { description: 'As suspended, until a moderator approves it.' }),
    ]),
    openReports: Type.Integer({ examples: [3] }),
    createdAt: Timestamp,
  },
  { $id: 'ModeratedAccount', title: 'ModeratedAccount' },
)

export const page = {
  cursor: Type.Optional(Cursor),
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
}

export const ActsQuery = Type.Object(
  {
    ...page,
    actorId: Type.Optional(Id),
    accountId: Type.Optional(Id),
    act: Type.Optional(Type.String({ pattern: '^[a-z-]{1,30}$' })),
  },
  options,
)

export const RoleChange = Type.Object(
  {
    role: Role,
    reason: Type.Optional(Reason),
  },
  options,
)

export const WithReason = Type.Object({ reason: Reason }, options)
