import { type Static, Type } from 'typebox'
import { Handle, Id, Name, nullable, Password, Profile, Timestamp } from '../../plugins/schemas.ts'

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
const Avatar = Type.Object({
  small: Type.String({ ...Url, description: '48 x 48 pixels, WebP' }),
  medium: Type.String({ ...Url, description: '128 x 128 pixels, WebP' }),
  large: Type.String({ ...Url, description: '400 x 400 pixels, WebP' }),
})

const Header = Type.Object({
  small: Type.String({ ...Url, description: '480 x 160 pixels, WebP' }),
  medium: Type.String({ ...Url, description: '960 x 320 pixels, WebP' }),
  large: Type.String({ ...Url, description: '1,500 x 500 pixels, WebP' }),
})

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

export const AccountDeletion = Type.Object({ password: Password }, { additionalProperties: false })

export const HandleParams = Type.Object({ handle: Handle }, { additionalProperties: false })
