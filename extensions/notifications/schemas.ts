import { Id, nullable, PageOf, PageQuery, ref, Timestamp } from 'birdhouse/schemas'
import { Type } from 'typebox'

const Kind = Type.Union([
  Type.Literal('like'),
  Type.Literal('retweet'),
  Type.Literal('follow'),
  Type.Literal('reply'),
  Type.Literal('mention'),
])
const Notification = Type.Object({
  id: Id,
  kind: Kind,
  tweet: nullable(ref('Tweet')),
  people: Type.Array(ref('UserSummary'), { description: 'The latest three people.' }),
  peopleCount: Type.Integer({ description: 'The number of all people.', examples: [5] }),
  latestId: Type.Integer({
    description:
      'Grows with each person who joins; send the largest that you have shown as `upTo`.',
    examples: [77],
  }),
  latestAt: Timestamp,
  read: Type.Boolean(),
})

export const NotificationPage = PageOf(Notification)

export const NotificationQuery = Type.Object(
  {
    ...PageQuery.properties,
    unread: Type.Optional(Type.Boolean({ description: 'Only unread notifications.' })),
  },
  { additionalProperties: false },
)

export const ReadMark = Type.Object(
  { upTo: Type.Optional(Id) },
  {
    additionalProperties: false,
    description:
      '`upTo` is the `latestId` of the newest notification that you have shown; without `upTo`, all are marked.',
  },
)
