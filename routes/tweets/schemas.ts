import { type Static, Type } from 'typebox'
import { PageOf } from '../../plugins/pagination.ts'
import { Id, nullable, ref, Text, Timestamp } from '../../plugins/schemas.ts'
import { BEFORE_NFC } from '../../plugins/text.ts'

declare module 'fastify' {
  interface Resources {
    Tweet: Static<typeof Tweet> & TweetFields
    TweetBody: Static<typeof TweetBody> & TweetFields
  }
  /** What extensions add to a tweet, all of it optional. */
  interface TweetFields {}
}

/** Code points after NFC. */
export const TWEET_MAX = 300
const MEDIA_MAX = 4

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
      description: 'Null for a retweet and for a deleted tweet; may be empty beside pictures.',
      examples: ['hello, my first tweet'],
    }),
  ),
  createdAt: Timestamp,
  deleted: Type.Boolean({
    description: 'What is left of it: its id, so that replies can be read.',
  }),
  replyTo: nullable(Parent),
  media: Type.Array(ref('Media'), { description: 'Up to four pictures.' }),
  likeCount: Type.Integer({ examples: [3] }),
  retweetCount: Type.Integer({ examples: [2] }),
  replyCount: Type.Integer({ examples: [1] }),
  liked: Type.Optional(Type.Boolean({ description: 'By you; only for a signed-in viewer.' })),
  retweeted: Type.Optional(Type.Boolean({ description: 'By you; only for a signed-in viewer.' })),
}

/** What is the same for everyone who sees a tweet, see parts.ts. */
export const SHARED_WITH_ALL = [
  'id',
  'author',
  'text',
  'createdAt',
  'deleted',
  'replyTo',
  'likeCount',
  'retweetCount',
  'replyCount',
] as const

/** A tweet without what it retweets: an original is never a retweet itself. */
export const TweetBody = Type.Object(body, { $id: 'TweetBody', title: 'TweetBody' })

export const Tweet = Type.Object(
  { ...body, retweetOf: nullable(ref('TweetBody')) },
  { $id: 'Tweet', title: 'Tweet' },
)

export const NewTweet = Type.Object(
  {
    text: Type.Optional(
      Text({ maxLength: TWEET_MAX * BEFORE_NFC, examples: ['hello, my first tweet'] }),
    ),
    replyToId: Type.Optional(Id),
    mediaIds: Type.Optional(
      Type.Array(Id, {
        maxItems: MEDIA_MAX,
        uniqueItems: true,
        description: 'Pictures of yours that are in no tweet yet, in the order they are shown.',
        examples: [[]],
      }),
    ),
  },
  { additionalProperties: false },
)

export const NewTweetHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x20-\\x7e]+$',
      maxLength: 255,
      description:
        'A value of your own, such as a UUID. A repeat within 24 hours gets the tweet that the first has written.',
    }),
  ),
})

export const TweetPage = PageOf(ref('Tweet'))
export const UserPage = PageOf(ref('UserSummary'))
