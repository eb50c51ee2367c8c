import {
  BEFORE_NFC,
  Id,
  IdempotencyKey,
  nullable,
  PageOf,
  ref,
  Text,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { STORED_MAX } from './length.ts'

declare module 'fastify' {
  interface Resources {
    Tweet: Static<typeof Tweet> & TweetFields
    TweetBody: Static<typeof TweetBody> & TweetFields
  }
  /** Fields that extensions add to a tweet, all optional. */
  interface TweetFields {}
}

/** Pictures per tweet. */
export const MEDIA_MAX = 4

const Parent = Type.Object({
  id: Id,
  deleted: Type.Boolean(),
  author: nullable(ref('UserSummary')),
})

const body = {
  id: Id,
  author: nullable(ref('UserSummary')),
  text: nullable(
    Type.String({
      description:
        'Null for a retweet and for a deleted tweet; may be empty if the tweet has pictures.',
      examples: ['hello, my first tweet'],
    }),
  ),
  language: Type.Union([Type.String(), Type.Null()], {
    description: 'A BCP 47 tag; null if the author has not named the language, and for a retweet.',
    examples: ['en'],
  }),
  createdAt: Timestamp,
  deleted: Type.Boolean({
    description: 'True for a tombstone, which keeps the id so that replies stay readable.',
  }),
  replyTo: nullable(Parent),
  media: Type.Array(ref('Media'), { description: `At most ${MEDIA_MAX} pictures.` }),
  likeCount: Type.Integer({ examples: [3] }),
  retweetCount: Type.Integer({ examples: [2] }),
  replyCount: Type.Integer({ examples: [1] }),
  liked: Type.Optional(Type.Boolean({ description: 'Liked by you; only when signed in.' })),
  retweeted: Type.Optional(Type.Boolean({ description: 'Retweeted by you; only when signed in.' })),
}

/** Properties that are the same for every viewer, see parts.ts. */
export const SHARED_WITH_ALL = [
  'id',
  'author',
  'text',
  'language',
  'createdAt',
  'deleted',
  'replyTo',
  'likeCount',
  'retweetCount',
  'replyCount',
] as const

/** A tweet without `retweetOf`: an original is never a retweet. */
export const TweetBody = Type.Object(body, { $id: 'TweetBody', title: 'TweetBody' })

export const Tweet = Type.Object(
  { ...body, retweetOf: nullable(ref('TweetBody')) },
  { $id: 'Tweet', title: 'Tweet' },
)

const Language = Type.String({
  pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$',
  maxLength: 20,
  description: 'The language of the text, a short tag of BCP 47.',
  examples: ['en'],
})

export const NewTweet = Type.Object(
  {
    text: Type.Optional(
      Text({ maxLength: STORED_MAX * BEFORE_NFC, examples: ['hello, my first tweet'] }),
    ),
    language: Type.Optional(Language),
    replyToId: Type.Optional(Id),
    mediaIds: Type.Optional(
      Type.Array(Id, {
        maxItems: MEDIA_MAX,
        uniqueItems: true,
        description: 'Ids of your pictures that are in no tweet yet, in display order.',
        examples: [[]],
      }),
    ),
  },
  { additionalProperties: false },
)

export const NewTweetHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) })

export const TweetPage = PageOf(ref('Tweet'))
export const UserPage = PageOf(ref('UserSummary'))
