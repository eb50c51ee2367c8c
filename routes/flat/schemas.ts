import {
  ACCOUNT_LIMITS,
  BEFORE_NFC,
  Cursor,
  Email,
  Id,
  Invitation,
  Line,
  nullable,
  type ProblemStatus,
  problems,
  SecondFactorProof,
  TermsVersion,
  Text,
} from 'birdhouse/schemas'
import { Type } from 'typebox'

// Names and shapes of the original API. Like the original, these schemas ignore unknown fields.

/** The original API accepts an id as a number or as a string of digits. */
const LooseId = Type.Union([Id, Type.String({ pattern: '^[1-9][0-9]{0,15}$' })])

const { name, password, profile } = ACCOUNT_LIMITS

export const SignUp = Type.Object({
  name: Line({ minLength: 1, maxLength: name * BEFORE_NFC, examples: ['hong'] }),
  email: Email,
  password: Line({ minLength: password.min, maxLength: password.max, examples: ['test1234'] }),
  profile: Text({ maxLength: profile * BEFORE_NFC, examples: ['hi my name is hong'] }),
  invitation: Type.Optional(Invitation),
  acceptedTerms: Type.Optional(TermsVersion),
})

export const Account = Type.Object({
  id: Id,
  name: Type.String(),
  email: nullable(Type.String({ description: 'Null unless the account is your own.' })),
  profile: Type.String(),
})

export const Login = Type.Object({
  email: Email,
  password: Type.String({ maxLength: password.max, examples: ['test1234'] }),
  ...SecondFactorProof,
})

export const LoggedIn = Type.Object({ user_id: Id, access_token: Type.String() })

export const Tweet = Type.Object({
  tweet: Text({ maxLength: 30_000, examples: ['hello, my first tweet'] }),
})
export const TweetId = Type.Object({ tweet_id: LooseId })
export const Follow = Type.Object({ follow: LooseId })
export const Unfollow = Type.Object({ unfollow: LooseId })

export const ViewQuery = Type.Object({ id: Type.Optional(Id) })
export const ViewBody = Type.Object({ id: LooseId })
export const TimelineQuery = Type.Object({ cursor: Type.Optional(Cursor) })

export const Timeline = Type.Object({
  user_id: Id,
  timeline: Type.Array(Type.Object({ user_id: Id, tweet: Type.String(), tweet_id: Id })),
})

export const UserParams = Type.Object({ user_id: Id })
export const Picture = Type.Object({ img_url: Type.String({ format: 'uri' }) })

export const PictureUpload = {
  content: {
    'multipart/form-data': {
      schema: Type.Object({
        'profile-pic': Type.Unsafe<string>({ contentMediaType: 'application/octet-stream' }),
      }),
    },
  },
}

const text = (description: string) => ({
  description,
  content: { 'text/plain': { schema: Type.String() } },
})

export const Pong = text('some some pong')
export const Empty = text('Done; the body is empty.')
export const WebP = {
  description: 'The picture.',
  content: {
    'image/webp': { schema: Type.Unsafe<Buffer>({ contentMediaType: 'image/webp' }) },
  },
}

/** Declares errors: the status, with one sentence or nothing as plain text. */
export const failures = (...statuses: ProblemStatus[]) =>
  Object.fromEntries(
    Object.keys(problems(...statuses)).map((status) => [
      status,
      text('A sentence that says what is wrong; empty for 401.'),
    ]),
  )
