import type { Resources } from 'fastify'
import fp from 'fastify-plugin'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  /** The resources of the API by the `$id` of their schemas; features add theirs by declaration merging. */
  interface Resources {
    Problem: Static<typeof Problem>
  }
}

/** A positive integer below 2^53, the range that JSON numbers and BIGINT UNSIGNED both represent exactly. */
export const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [42] })

/** RFC 3339 in UTC with milliseconds. */
export const Timestamp = Type.String({
  format: 'date-time',
  examples: ['2026-01-31T12:00:00.000Z'],
})

/** One line of text: no control characters, no lone surrogates. */
export const Line = (options: { minLength?: number; maxLength: number; examples?: string[] }) =>
  Type.String({ format: 'line', ...options })

/** Text of several lines: as `Line`, but newline, carriage return and tab are allowed. */
export const Text = (options: { minLength?: number; maxLength: number; examples?: string[] }) =>
  Type.String({ format: 'text', ...options })

/** An e-mail address of at most 254 characters (RFC 5321, section 4.5.3.1.3). Case does not matter. */
export const Email = Type.String({
  format: 'email',
  maxLength: 254,
  examples: ['hong@example.com'],
})

/**
 * Schemas count code points before NFC, which reduces them to a quarter at most: Greek with three marks.
 * A schema of a text therefore allows `max * BEFORE_NFC`, and `app.cleanText` checks `max`.
 */
export const BEFORE_NFC = 4

/** Code points after NFC, no more than the columns of `users` hold. */
export const ACCOUNT_LIMITS = {
  name: 50,
  profile: 2000,
  handle: { min: 3, max: 30 },
  /** NIST SP 800-63B asks for at least 8, and for 64 or more to be allowed. */
  password: { min: 8, max: 128 },
} as const

/** Bytes of JSON bodies, for `bodyLimit`: they hold the longest fields in UTF-8, or two passwords as escapes and a passkey. */
export const BODY_LIMITS = { signUp: 40 * 1024, credentials: 10 * 1024 } as const

const { handle, password } = ACCOUNT_LIMITS

export const Name = Line({
  minLength: 1,
  maxLength: ACCOUNT_LIMITS.name * BEFORE_NFC,
  examples: ['Hong'],
})
export const Profile = Text({
  maxLength: ACCOUNT_LIMITS.profile * BEFORE_NFC,
  examples: ['hi my name is hong'],
})
export const Handle = Type.String({
  pattern: `^[a-z0-9_]{${handle.min},${handle.max}}$`,
  examples: ['hong'],
})

const passwordFrom = (minLength: number) =>
  Line({ minLength, maxLength: password.max, examples: ['correct horse battery'] })
export const NewPassword = passwordFrom(password.min)
/** A password to compare with the stored hash; a shorter password is wrong, not malformed. */
export const Password = passwordFrom(1)

/** A code of an authenticator app or a recovery code, with or without spaces and dashes. */
export const SecondFactorCode = Type.String({
  pattern: '^[A-Za-z0-9 -]{6,40}$',
  examples: ['123456'],
  description: 'The current code of the authenticator app, or an unused recovery code.',
})

/** Bytes in base64url, as browsers write them. */
export const Base64Url = (maxLength: number) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength })

const publicKeyCredential = {
  /** At most 1,023 bytes (WebAuthn, section 4). */
  id: Base64Url(1364),
  rawId: Base64Url(1364),
  type: Type.Literal('public-key'),
}
/** A credential as `PublicKeyCredential.toJSON()` of browsers returns it; browsers add fields in time. */
export const PublicKeyCredential = <T extends Type.TProperties>(response: T, description: string) =>
  Type.Object({ ...publicKeyCredential, response: Type.Object(response) }, { description })

export const PasskeyAnswer = PublicKeyCredential(
  {
    clientDataJSON: Base64Url(2000),
    authenticatorData: Base64Url(1400),
    signature: Base64Url(1400),
  },
  'The answer of a passkey to `POST /v1/auth/passkey-options` or, in a session, `POST /v1/auth/second-factor/passkey-options`: `(await navigator.credentials.get({ publicKey })).toJSON()` of a browser, where `publicKey` is `PublicKeyCredential.parseRequestOptionsFromJSON(options)`.',
)
export type PasskeyAnswer = Static<typeof PasskeyAnswer>

/** A code or the answer of a passkey; an account with a second factor sends one of them beside its password. */
export const SecondFactorProof = {
  code: Type.Optional(SecondFactorCode),
  passkey: Type.Optional(PasskeyAnswer),
}

/** The code of an invitation to sign up. */
export const Invitation = Type.String({
  pattern: '^[A-Za-z0-9_-]{22}$',
  examples: ['mQ3x0Tn5w1-uYk7Jq_2b9A'],
  description: 'The code of an invitation, where the instance asks for one.',
})

/** A version of the terms of an instance. */
export const TermsVersion = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,40}$',
  examples: ['2026-01'],
  description: 'The version of the terms.',
})

/** The body of a sign-up. */
export const SignUp = Type.Object(
  {
    name: Name,
    email: Email,
    password: NewPassword,
    profile: Type.Optional(Profile),
    handle: Type.Optional(Handle),
    invitation: Type.Optional(Invitation),
    acceptedTerms: Type.Optional(TermsVersion),
  },
  { additionalProperties: false },
)

export const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** Refers to the resource that a feature registered under this `$id` with `app.resources.define`. */
export const ref = <Name extends keyof Resources & string>(id: Name) =>
  Type.Unsafe<Resources[Name]>({ $ref: `${id}#` })

export const IdParams = Type.Object({ id: Id }, { additionalProperties: false })

export const NoContent = Type.Null({ description: 'Done; the answer has no body.' })

export const BearerAuth = [{ bearer: [] }]
export const OptionalAuth = [{}, { bearer: [] }]

export const Problem = Type.Object(
  {
    type: Type.String({
      description: 'Always about:blank; use `code` to tell problems apart.',
      examples: ['about:blank'],
    }),
    title: Type.String({ examples: ['Not Found'] }),
    status: Type.Integer({ examples: [404] }),
    detail: Type.String({ examples: ['There is no tweet 42.'] }),
    code: Type.String({
      description: 'Stable identifier for programs.',
      examples: ['TWEET_NOT_FOUND'],
    }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ examples: ['/body/email'] }),
          message: Type.String({
            examples: ['must be an e-mail address such as hong@example.com, without spaces'],
          }),
        }),
      ),
    ),
  },
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457 problem details.' },
)

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
})

export const PROBLEMS = {
  400: 'The request is malformed; `errors` names each field.',
  401: 'The credentials are missing, wrong, expired or revoked.',
  403: 'You are not allowed to do this.',
  404: 'The resource does not exist, or you may not see it.',
  408: 'The body did not arrive in time.',
  409: 'The request conflicts with the current state, such as a name that is taken.',
  413: 'The body is too large.',
  415: 'The media type is not supported.',
  422: 'The request is well-formed but cannot be processed.',
  429: 'You do this too often or too many times at once; retry after `Retry-After` seconds.',
  503: 'A store is unreachable or the server is too busy; retry after `Retry-After` seconds.',
} as const

export type ProblemStatus = keyof typeof PROBLEMS

/**
 * Adds 400 and 503, which every route may answer. openapi/document.ts adds 408, 413 and 415 to every method
 * that may have a body.
 */
export const withCommon = (statuses: ProblemStatus[]) => [
  ...new Set<ProblemStatus>([400, ...statuses, 503]),
]

/**
 * Declares error answers: known statuses by their number, any other as `{ 402: 'Buy a ticket first.' }`.
 * @throws RangeError for a status that is no error
 */
export function problems(...declared: (ProblemStatus | Record<number, string>)[]) {
  const known = declared.filter((one) => typeof one === 'number')
  const common = withCommon(known).map((status) => [status, PROBLEMS[status]] as const)
  const own = declared.flatMap((one) => (typeof one === 'number' ? [] : Object.entries(one)))
  const wrong = own.find(([status]) => !/^[45]\d\d$/.test(status))
  if (wrong) throw new RangeError(`Declare a status from 400 to 599 as a problem, not ${wrong[0]}.`)
  return Object.fromEntries([...common, ...own].map(([status, text]) => [status, problem(text)]))
}

export const IdempotencyKey = Type.String({
  pattern: '^[\\x20-\\x7e]+$',
  maxLength: 255,
  description:
    'A value that you choose, such as a UUID. A repeated request within 24 hours gets the answer to the first request.',
})

export const Cursor = Type.String({
  maxLength: 200,
  description: 'The `nextCursor` of the previous page.',
})

export const PageQuery = Type.Object(
  {
    cursor: Type.Optional(Cursor),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  },
  { additionalProperties: false },
)

export const PageOf = <T extends Type.TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: nullable(Type.String({ description: 'Null on the last page.' })),
  })

export default fp(async (app) => void app.addSchema(Problem), { name: 'schemas' })
