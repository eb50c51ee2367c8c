import { BEFORE_NFC, Cursor, Id, nullable, Text, Timestamp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    ModerationAct: Static<typeof ModerationAct>
  }
}

/** Code points of a reason, a report, an appeal or an answer. */
export const TEXT_MAX = 1000

const options = { additionalProperties: false }
const Account = Type.Object({
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

const page = {
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
    role: Type.Union([Type.Literal('user'), Type.Literal('moderator'), Type.Literal('admin')]),
    reason: Type.Optional(Reason),
  },
  options,
)
