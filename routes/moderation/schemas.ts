import {
  BEFORE_NFC,
  Cursor,
  Email,
  Id,
  nullable,
  Password,
  Text,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    ModerationAct: Static<typeof ModerationAct>
    ModeratedAccount: Static<typeof ModeratedAccount>
    ModerationReport: Static<typeof ModerationReport>
    ModerationAppeal: Static<typeof ModerationAppeal>
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
    ]),
    openReports: Type.Integer({ examples: [3] }),
    createdAt: Timestamp,
  },
  { $id: 'ModeratedAccount', title: 'ModeratedAccount' },
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
    role: Role,
    reason: Type.Optional(Reason),
  },
  options,
)

export const WithReason = Type.Object({ reason: Reason }, options)

const State = Type.Union([Type.Literal('open'), Type.Literal('closed')], { default: 'open' })
const kinds = [Type.Literal('account'), Type.Literal('tweet'), Type.Literal('picture')] as const
const TargetKind = Type.Union([...kinds])
const Category = Type.Union([
  Type.Literal('spam'),
  Type.Literal('harassment'),
  Type.Literal('hate'),
  Type.Literal('violence'),
  Type.Literal('sexual'),
  Type.Literal('illegal'),
  Type.Literal('other'),
])

export const ReportsQuery = Type.Object(
  { ...page, state: State, accountId: Type.Optional(Id) },
  options,
)
export const AppealsQuery = Type.Object({ ...page, state: State }, options)

export const NewReport = Type.Object(
  {
    kind: TargetKind,
    id: Id,
    category: Category,
    text: Type.Optional(Text({ maxLength: TEXT_MAX * BEFORE_NFC, examples: ['Read the replies'] })),
  },
  options,
)

export const MadeReport = Type.Object({
  id: Id,
  target: Type.Object({ kind: TargetKind, id: Id }),
  category: Type.String({ examples: ['spam'] }),
  createdAt: Timestamp,
})

export const ModerationReport = Type.Object(
  {
    id: Id,
    target: Type.Object({ kind: Type.String({ examples: ['tweet'] }), id: Id }),
    account: Account,
    reporter: Account,
    category: Type.String({ examples: ['spam'] }),
    text: Type.String(),
    tweetText: Type.Union([Type.String(), Type.Null()], {
      description: 'The text of a reported tweet; null once it is deleted.',
    }),
    createdAt: Timestamp,
    closedAt: nullable(Timestamp),
    actId: Type.Union([Id, Type.Null()], { description: 'The act that closed the report.' }),
  },
  { $id: 'ModerationReport', title: 'ModerationReport' },
)

export const Closing = Type.Object(
  {
    act: Type.Union(
      [
        Type.Literal('none'),
        Type.Literal('remove'),
        Type.Literal('warn'),
        Type.Literal('limit'),
        Type.Literal('suspend'),
      ],
      { description: '`remove` deletes the reported tweet or picture.' },
    ),
    reason: Reason,
  },
  options,
)

const Outcome = Type.Union([Type.Literal('granted'), Type.Literal('denied')])

export const ModerationAppeal = Type.Object(
  {
    id: Id,
    act: Type.Object({ id: Id, act: Type.String({ examples: ['suspend'] }) }),
    account: Account,
    text: Type.String(),
    createdAt: Timestamp,
    outcome: Type.Union([Outcome, Type.Null()], { description: 'Null while it is open.' }),
    answer: nullable(Type.String()),
  },
  { $id: 'ModerationAppeal', title: 'ModerationAppeal' },
)

export const OwnAct = Type.Object({
  id: Id,
  act: Type.String({ examples: ['warn'] }),
  target: Type.Object({ kind: Type.String({ examples: ['account'] }), id: Id }),
  reason: nullable(Type.String()),
  createdAt: Timestamp,
  appeal: Type.Union(
    [Type.Object({ outcome: nullable(Outcome), answer: nullable(Type.String()) }), Type.Null()],
    { description: 'Your appeal; `outcome` is null until a moderator answers.' },
  ),
})

export const AppealAnswer = Type.Object({ outcome: Outcome, answer: Reason }, options)
export const Appeal = Type.Object({ text: Reason }, options)
export const SuspensionAppeal = Type.Object(
  { email: Email, password: Password, text: Reason },
  options,
)
