import type { FastifyInstance } from 'birdhouse'
import { Type } from 'typebox'

/** What comes in and goes out; the pieces they are made of are the app's. */
export function createSchemas({ schemas, pages }: FastifyInstance) {
  const { Id, nullable, ref, Timestamp } = schemas

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
    people: Type.Array(ref('UserSummary'), { description: 'The latest three.' }),
    peopleCount: Type.Integer({ description: 'All of them.', examples: [5] }),
    latestId: Type.Integer({
      description: 'Grows with everybody who joins; the largest you have shown is `upTo`.',
      examples: [77],
    }),
    latestAt: Timestamp,
    read: Type.Boolean(),
  })

  return {
    NotificationPage: pages.PageOf(Notification),
    PageQuery: Type.Object(
      {
        ...pages.PageQuery.properties,
        unread: Type.Optional(Type.Boolean({ description: 'Only what is not read yet.' })),
      },
      { additionalProperties: false },
    ),
    ReadMark: Type.Object(
      { upTo: Type.Optional(Id) },
      {
        additionalProperties: false,
        description: '`latestId` of the newest notification you have shown; without it, all.',
      },
    ),
  }
}
