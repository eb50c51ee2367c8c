import {
  Handle,
  Id,
  Name,
  nullable,
  Password,
  Profile,
  SecondFactorProof,
  Timestamp,
} from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    UserSummary: Static<typeof UserSummary> & UserFields
    User: Static<typeof User> & UserFields
    OwnUser: Static<typeof OwnUser> & UserFields
  }
  /** Optional fields that extensions add to a user by merging. */
  interface UserFields {}
}

const Url = Type.String({ format: 'uri' })
/** Widths in pixels of the pictures of a profile. An avatar is square, a header is 3:1. */
export const PICTURE_SIZES = {
  avatar: { small: 48, medium: 128, large: 400 },
  header: { small: 480, medium: 960, large: 1500 },
} as const

function Picture(
  { small, medium, large }: Record<'small' | 'medium' | 'large', number>,
  ratio: number,
) {
  const format = (pixels: number) => pixels.toLocaleString('en')
  const url = (width: number) =>
    Type.String({
      ...Url,
      description: `${format(width)} x ${format(width / ratio)} pixels, WebP`,
    })
  return Type.Object({ small: url(small), medium: url(medium), large: url(large) })
}
const Avatar = Picture(PICTURE_SIZES.avatar, 1)
const Header = Picture(PICTURE_SIZES.header, 3)

const summary = {
  id: Id,
  handle: Handle,
  name: Type.String({ examples: ['Hong'] }),
  avatar: nullable(Avatar),
}

export const UserSummary = Type.Object(summary, { $id: 'UserSummary', title: 'UserSummary' })

const ofViewer = (description: string) =>
  Type.Optional(Type.Boolean({ description: `${description} Absent unless you are signed in.` }))

const user = {
  ...summary,
  header: nullable(Header),
  profile: Type.String({ examples: ['hi my name is hong'] }),
  createdAt: Timestamp,
  followerCount: Type.Integer({ examples: [12] }),
  followeeCount: Type.Integer({ examples: [34] }),
  tweetCount: Type.Integer({
    description: 'Number of tweets, replies and retweets.',
    examples: [56],
  }),
  following: ofViewer('True when you follow this user.'),
  followedBy: ofViewer('True when this user follows you.'),
  blocking: ofViewer('True when you block this user.'),
  muting: ofViewer('True when you mute this user.'),
}

export const User = Type.Object(user, { $id: 'User', title: 'User' })

export const OwnUser = Type.Object(
  {
    ...user,
    email: Type.String({
      description: 'Visible only to the owner of the account.',
      examples: ['hong@example.com'],
    }),
  },
  { $id: 'OwnUser', title: 'OwnUser' },
)

export const UserChanges = Type.Object(
  {
    name: Type.Optional(Name),
    profile: Type.Optional(Profile),
    handle: Type.Optional(Handle),
  },
  { additionalProperties: false, minProperties: 1 },
)

export const AccountDeletion = Type.Object(
  { password: Password, ...SecondFactorProof },
  { additionalProperties: false },
)

export const HandleParams = Type.Object({ handle: Handle }, { additionalProperties: false })
