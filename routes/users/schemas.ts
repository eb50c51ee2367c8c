import { type Static, Type } from 'typebox'
import { Id, Line, nullable, Text, Timestamp } from '../../plugins/schemas.ts'
import { BEFORE_NFC } from '../../plugins/text.ts'

declare module 'fastify' {
  interface Resources {
    UserSummary: Static<typeof UserSummary> & UserFields
    User: Static<typeof User> & UserFields
    OwnUser: Static<typeof OwnUser> & UserFields
  }
  /** What extensions add to a user, all of it optional. */
  interface UserFields {}
}

export const LIMITS = { name: 50, profile: 2000 }

export const Name = Line({ minLength: 1, maxLength: LIMITS.name * BEFORE_NFC, examples: ['Hong'] })
export const Profile = Text({
  maxLength: LIMITS.profile * BEFORE_NFC,
  examples: ['hi my name is hong'],
})
export const Handle = Type.String({ pattern: '^[a-z0-9_]{3,30}$', examples: ['hong'] })

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
  Type.Optional(Type.Boolean({ description: `${description} Only for a signed-in viewer.` }))

const user = {
  ...summary,
  header: nullable(Header),
  profile: Type.String({ examples: ['hi my name is hong'] }),
  createdAt: Timestamp,
  followerCount: Type.Integer({ examples: [12] }),
  followeeCount: Type.Integer({ examples: [34] }),
  tweetCount: Type.Integer({ description: 'Tweets, replies and retweets.', examples: [56] }),
  following: ofViewer('You follow them.'),
  followedBy: ofViewer('They follow you.'),
  blocking: ofViewer('You block them.'),
  muting: ofViewer('You mute them.'),
}

export const User = Type.Object(user, { $id: 'User', title: 'User' })

export const OwnUser = Type.Object(
  {
    ...user,
    email: Type.String({ description: 'Seen by its owner alone.', examples: ['hong@example.com'] }),
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
  { password: Line({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
)

export const HandleParams = Type.Object({ handle: Handle }, { additionalProperties: false })
