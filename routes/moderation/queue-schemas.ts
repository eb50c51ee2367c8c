import {
  BEFORE_NFC,
  Email,
  Id,
  nullable,
  Password,
  SecondFactorProof,
  Text,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { Account, options, page, Reason, TEXT_MAX } from './schemas.ts'

declare module 'fastify' {
  interface Resources {
    ModerationReport: Static<typeof ModerationReport>
    ModerationAppeal: Static<typeof ModerationAppeal>
  }
}

const State = Type.Union([Type.Literal('open'), Type.Literal('closed')], { default: 'open' })
const TargetKind = Type.Union(
  [
    Type.Literal('account'),
    Type.Literal('tweet'),
    Type.Literal('picture'),
    Type.Literal('avatar'),
    Type.Literal('header'),
  ],
  {
    description:
      'A `picture` is one in a tweet; `avatar` and `header` are pictures of the profile of the account `id`.',
  },
)
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

export const OwnReport = Type.Object({
  ...MadeReport.properties,
  closedAt: nullable(Timestamp),
  outcome: Type.Union([Type.Literal('acted'), Type.Literal('dismissed'), Type.Null()], {
    description: 'Whether moderators acted on the report; null while it is open.',
  }),
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
      { description: '`remove` deletes the reported tweet or picture; not for an account.' },
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
  { email: Email, password: Password, ...SecondFactorProof, text: Reason },
  options,
)
