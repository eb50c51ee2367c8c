import fc from 'fast-check'

// Values of fields and parameters by the schema and the name. Names such as `$tweet2` stand for what a script has made.

export type Schema = {
  type?: string
  pattern?: string
  properties?: Record<string, Schema>
  items?: Schema
  required?: string[]
  anyOf?: Schema[]
  const?: unknown
  examples?: unknown[]
}
const LONE_SURROGATE = '\ud83d'
const NASTY_STRINGS = [
  '',
  ' ',
  '\0',
  'a\u0007b',
  LONE_SURROGATE,
  'x'.repeat(10_000),
  'x'.repeat(70_000),
  '👩‍👩‍👧‍👦'.repeat(60),
  'e\u0301'.repeat(200),
  '한국어'.normalize('NFD').repeat(80),
  "'; DROP TABLE users; --",
  '../../etc/passwd',
  '\u202egnp.exe',
  '{}',
]
export const NASTY_VALUES = [null, true, [], {}, 0, -1, 1.5, 2 ** 53, 1e300, '1', ...NASTY_STRINGS]
export const NASTY_IDS = [
  '0',
  '-1',
  '1.5',
  '9007199254740992',
  '1e3',
  'abc',
  '%00',
  '%F0%9F%90%A6',
  '%20',
  '٣',
  '999999999',
]

export const one = (name: string) => fc.nat({ max: 9 }).map((n) => `$${name}${n}`)

/** Valid values by the name of a field or parameter. */
const KNOWN: Record<string, fc.Arbitrary<unknown>> = {
  limit: fc.integer({ min: 1, max: 100 }),
  email: fc.oneof(
    one('email'),
    fc.integer({ min: 1, max: 60 }).map((n) => `fuzz${n}@example.com`),
  ),
  handle: fc.oneof(
    one('handle'),
    fc.integer({ min: 1, max: 60 }).map((n) => `fuzz_${n}`),
  ),
  acct: one('handle'),
  password: fc.constantFrom('$password', '$password', '$password', 'another-Passw0rd-9'),
  newPassword: fc.constantFrom('$password', '$password', 'a-New-passw0rd-of-fuzz'),
  refreshToken: one('refresh'),
  cursor: fc.oneof(one('cursor'), fc.constantFrom('', 'x', 'bm9wZTox', '%00', 'x'.repeat(300))),
  since: one('cursor'),
  tag: fc.constantFrom('bird', '새', 'a', '%23', '9'),
  user: one('user'),
  user_id: one('user'),
  follow: one('user'),
  unfollow: one('user'),
  account_id: one('user'),
  tweet: one('tweet'),
  tweet_id: one('tweet'),
  replyToId: one('tweet'),
  in_reply_to_id: one('tweet'),
  max_id: one('tweet'),
  min_id: one('tweet'),
  since_id: one('tweet'),
  media: one('media'),
  mediaIds: fc.uniqueArray(one('media'), { maxLength: 2 }),
  media_ids: fc.uniqueArray(one('media'), { maxLength: 2 }),
  client_id: fc.constant('$client'),
  client_secret: fc.constant('$secret'),
  redirect_uri: fc.constantFrom('https://client.example/back', 'https://other.example/', 'x'),
  redirect_uris: fc.constantFrom(
    'https://client.example/back',
    'javascript:1',
    'urn:ietf:wg:oauth:2.0:oob',
  ),
  response_type: fc.constantFrom('code', 'token'),
  grant_type: fc.constantFrom(
    'authorization_code',
    'client_credentials',
    'password',
    'refresh_token',
  ),
  scope: fc.constantFrom('read', 'read write follow', 'admin'),
  scopes: fc.constantFrom('read', 'read write follow', 'admin'),
  token: fc.constantFrom('A'.repeat(43), 'x'),
  visibility: fc.constantFrom('public', 'private'),
  resolve: fc.constantFrom('true', 'false', '1'),
}

export function good(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const known = KNOWN[name]
  if (known) return known
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => good(name, each)))
  if (schema.type === 'integer') return fc.oneof(one('user'), one('tweet'), one('media'))
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'object') return goodObject(schema)
  if (schema.type === 'array') return fc.array(good('', schema.items ?? {}), { maxLength: 5 })
  if (schema.pattern) return fc.constantFrom('1', '2', 'A'.repeat(43))
  const example = schema.examples?.[0] ?? 'text'
  return fc.oneof(
    fc.constant(example),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  )
}

export const goodObject = (schema: Schema) =>
  fc.record(
    Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, each]) => [name, good(name, each)]),
    ),
    { requiredKeys: schema.required ?? [] },
  )
