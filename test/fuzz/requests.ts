import fc from 'fast-check'
import { isStall, SHAPES } from './raw.ts'

// Generates steps from the operations of the service: some good, some spoilt in one of many ways. A step is plain
// data, so that a script can be kept in a file. Names such as `$tweet2` stand for what the script has made.

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
type Parameter = { in: string; name: string; schema: Schema }
type Contents = Record<string, { schema: Schema }>
export type Route = {
  /** For example `GET /v1/users/{id}`. */
  line: string
  parameters?: Parameter[]
  requestBody?: { content: Contents }
  /** Undefined if no document says what the operation answers. */
  responses?: Record<string, { content?: Contents }>
}

/** JSON or a form as text; a number is one of the files of the run. */
type Body =
  | { type: string; text: string }
  | { type: string; field: string; file: number; end: string }
/** A person by number, `admin`, or what is sent as `Authorization`; null for a request without it. */
export type Sender = number | 'admin' | string | null
export type Call = {
  line: string
  by: Sender
  path: string
  headers: Record<string, string>
  body?: Body
}
export type Raw = { raw: string; by: number }
export type Step = Call | Raw
/** Steps of one list are sent at once; the next list follows when all are answered. */
export type Script = Step[][]

export const PEOPLE = 3
export const FILES = 5
const STEPS_AT_ONCE = 6
const TURNS = 60

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
const NASTY_VALUES = [null, true, [], {}, 0, -1, 1.5, 2 ** 53, 1e300, '1', ...NASTY_STRINGS]
const NASTY_IDS = [
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

const one = (name: string) => fc.nat({ max: 9 }).map((n) => `$${name}${n}`)

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

/** Names of things by the part of the path in which their id is. */
const BY_PATH: Record<string, string> = { tweets: 'tweet', users: 'user', media: 'media' }

function good(name: string, schema: Schema): fc.Arbitrary<unknown> {
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

const goodObject = (schema: Schema) =>
  fc.record(
    Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, each]) => [name, good(name, each)]),
    ),
    { requiredKeys: schema.required ?? [] },
  )

/** A body with one thing wrong: a field missing, of another type, hostile, or unknown. */
function spoilt(schema: Schema) {
  const names = Object.keys(schema.properties ?? {})
  return fc
    .tuple(
      goodObject(schema),
      fc.constantFrom(...names, 'unknown'),
      fc.constantFrom(undefined, ...NASTY_VALUES),
    )
    .map(([body, name, value]) => ({ ...(body as object), [name]: value }))
}

const BROKEN_JSON = [
  '',
  '{',
  '[]',
  'null',
  '"text"',
  '{"text":}',
  '\ufeff{}',
  '{"__proto__":{}}',
  '\0',
]

const JSON_TYPE = 'application/json'
const WRONG_TYPES = ['text/plain', 'application/xml', 'nonsense', 'application/json; charset=x']

const jsonBody = (schema: Schema) =>
  fc.record({
    text: fc.oneof(
      { weight: 6, arbitrary: goodObject(schema).map((body) => JSON.stringify(body)) },
      { weight: 3, arbitrary: spoilt(schema).map((body) => JSON.stringify(body)) },
      { weight: 1, arbitrary: fc.constantFrom(...BROKEN_JSON) },
    ),
    type: fc.oneof(
      { weight: 20, arbitrary: fc.constant(JSON_TYPE) },
      { weight: 1, arbitrary: fc.constantFrom(...WRONG_TYPES) },
    ),
  })

const formBody = (schema: Schema) =>
  fc
    .oneof({ weight: 5, arbitrary: goodObject(schema) }, { weight: 1, arbitrary: spoilt(schema) })
    .map((body) => {
      const fields = Object.entries(body).map(([name, value]): [string, string] => [
        name,
        String(value).toWellFormed(),
      ])
      const text = new URLSearchParams(fields).toString().replaceAll('%24', '$')
      return { type: 'application/x-www-form-urlencoded', text }
    })

const mostly = (usual: string, ...others: string[]) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

const multipartBody = (field: string) =>
  fc.record({
    field: mostly(field, 'other', '\0'),
    file: fc.nat({ max: FILES - 1 }),
    end: mostly('\r\n--b--\r\n', '', '\r\n--b'),
    type: mostly('multipart/form-data; boundary=b', 'multipart/form-data', 'image/png'),
  })

function bodyFor(content: Contents = {}): fc.Arbitrary<Body | undefined> {
  const json = content[JSON_TYPE]?.schema
  const form = content['application/x-www-form-urlencoded']?.schema
  const multipart = content['multipart/form-data']?.schema
  if (json) return jsonBody(json)
  if (form) return formBody(form)
  if (multipart) return multipartBody(Object.keys(multipart.properties ?? {})[0] ?? '')
  return fc.constant(undefined)
}

function pathValue({ name, schema }: Parameter, before: string | undefined) {
  const thing = BY_PATH[before ?? '']
  const valid = (name === 'id' && thing ? one(thing) : good(name, schema)).map(String)
  return fc.oneof(
    { weight: 8, arbitrary: valid },
    { weight: 1, arbitrary: fc.constantFrom(...NASTY_IDS) },
  )
}

const queryValue = ({ name, schema }: Parameter) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    {
      weight: 5,
      arbitrary: good(name, schema).map((value) => encodeURI(String(value).toWellFormed())),
    },
    { weight: 1, arbitrary: fc.constantFrom(...NASTY_IDS) },
  )

const headerValue = fc.constantFrom(undefined, undefined, 'key-1', 'key-2', 'x'.repeat(300))

const unsigned = (payload: object) =>
  `${[{ alg: 'none' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

const sender = (line: string): fc.Arbitrary<Sender> =>
  fc.oneof(
    { weight: line.includes('/admin/') ? 12 : 0, arbitrary: fc.constant('admin' as const) },
    { weight: 12, arbitrary: fc.nat({ max: PEOPLE - 1 }) },
    { weight: 1, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'Bearer nonsense',
        'Basic YTpi',
        `Bearer ${unsigned({ sub: '1', sid: 1, exp: 4e9, iss: 'birdhouse', aud: 'birdhouse' })}`,
        'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x',
      ),
    },
  )

const defined = (record: Record<string, string | undefined>) =>
  Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined)

function call(route: Route): fc.Arbitrary<Call> {
  const { line, parameters = [], requestBody } = route
  const template = line.slice(line.indexOf(' ') + 1)
  const parts = template.split('/')
  const within = (
    where: string,
    value: (parameter: Parameter) => fc.Arbitrary<string | undefined>,
  ) =>
    fc.record(
      Object.fromEntries(
        parameters.filter((each) => each.in === where).map((each) => [each.name, value(each)]),
      ),
    )
  return fc
    .record({
      inPath: within('path', (each) =>
        pathValue(each, parts[parts.findIndex((part) => part.includes(`{${each.name}}`)) - 1]),
      ),
      query: within('query', queryValue),
      headers: within('header', () => headerValue),
      body: bodyFor(requestBody?.content),
      by: sender(line),
    })
    .map(({ inPath, query, headers, body, by }) => {
      const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => inPath[name] ?? '')
      const search = defined(query).map(([name, value]) => `${name}=${value}`)
      return {
        ...{ line, by, path: search.length > 0 ? `${path}?${search.join('&')}` : path },
        headers: Object.fromEntries(defined(headers)),
        ...(body && { body }),
      }
    })
}

const raw: fc.Arbitrary<Raw> = fc.record({
  raw: fc.constantFrom(...Object.keys(SHAPES).filter((name) => !isStall(name))),
  by: fc.nat({ max: PEOPLE - 1 }),
})

const TWEET: Route = {
  line: 'POST /v1/tweets',
  requestBody: {
    content: { [JSON_TYPE]: { schema: { properties: { text: {} }, required: ['text'] } } },
  },
}

/** The most common acts, so that scripts have something to act on. */
const isCommon = ({ line }: Route) =>
  /^POST .*media$|^(PUT|DELETE) .*(follow|like|block)$|^DELETE .*tweets\/\{id\}$/.test(line)

/** Scripts of any requests to any operation, most of them by people of the script. */
export function scripts(routes: Route[]): fc.Arbitrary<Script> {
  const calls = new Map(routes.map((route) => [route.line, call(route)]))
  const common = routes.filter(isCommon).map(call)
  const step = fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...calls.values()).chain((each) => each) },
    { weight: 5, arbitrary: fc.oneof(call(TWEET), call(TWEET), ...common) },
    { weight: 1, arbitrary: raw },
  )
  const atOnce = fc.array(step, { minLength: 1, maxLength: STEPS_AT_ONCE, size: 'max' })
  return fc.array(atOnce, { minLength: 1, maxLength: TURNS, size: 'max' })
}
