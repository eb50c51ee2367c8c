import { Id, nullable, PageOf, PageQuery, ref, Timestamp } from 'birdhouse/schemas'
import type { NotificationKinds } from 'fastify'
import { type Static, type TUnsafe, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    Notification: Static<ReturnType<typeof createNotificationSchema>>
  }
  /** Every kind of notification and what names its cause, a part of `About`; merge your own. */
  interface NotificationKinds {}
}

export type Kind = keyof NotificationKinds & string
/** An actor causes a kind once for each subject: `subjectId`, or else the tweet, which is shown. */
export type About = { tweetId?: number; subjectId?: number }

/** `kind` lists the kinds of all extensions. */
export const createNotificationSchema = (kind: TUnsafe<Kind>) =>
  Type.Object(
    {
      id: Id,
      kind,
      tweet: nullable(ref('Tweet')),
      subjectId: Type.Union([Id, Type.Null()], {
        description: 'The id of what the latest person acted on; `kind` says what it is.',
      }),
      people: Type.Array(ref('UserSummary'), { description: 'The latest three people.' }),
      peopleCount: Type.Integer({ description: 'The number of all people.', examples: [5] }),
      latestId: Type.Integer({
        description:
          'Grows with each person who joins; send the largest that you have shown as `upTo`.',
        examples: [77],
      }),
      latestAt: Timestamp,
      read: Type.Boolean(),
    },
    { $id: 'Notification', title: 'Notification' },
  )

export const NotificationPage = PageOf(ref('Notification'))

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
