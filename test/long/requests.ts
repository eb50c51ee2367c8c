import fc from 'fast-check'

// Generates requests from the API's own document: some good, some spoilt in one of many ways.

export type Schema = {
  $ref?: string
  type?: string
  format?: string
  pattern?: string
  properties?: Record<string, Schema>
  items?: Schema
  required?: string[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  anyOf?: Schema[]
  const?: unknown
  examples?: unknown[]
}
export type Operation = {
  operationId: string
  parameters?: { in: string; name: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}
export type Route = { method: string; path: string; operation: Operation }
export type Request = {
  route: Route
  url: string
  headers: Record<string, string>
  payload: string | Buffer | undefined
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
]

const smallId = fc.integer({ min: 1, max: 40 })

function good(name: string, schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => good(name, each)))
  if (schema.type === 'integer')
    return name === 'limit' ? fc.integer({ min: 1, max: 100 }) : smallId
  if (schema.type === 'object') return goodObject(schema)
  if (schema.type === 'array') return fc.array(good('', schema.items ?? {}), { maxLength: 5 })
  if (name === 'email') return fc.integer({ min: 1, max: 60 }).map((n) => `fuzz${n}@example.com`)
  if (name === 'handle') return fc.integer({ min: 1, max: 60 }).map((n) => `fuzz_${n}`)
  if (name === 'password') return fc.constantFrom('correct horse battery', 'another password')
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

function jsonBody(schema: Schema) {
  const text = fc.oneof(
    { weight: 5, arbitrary: goodObject(schema).map((body) => JSON.stringify(body)) },
    { weight: 4, arbitrary: spoilt(schema).map((body) => JSON.stringify(body)) },
    { weight: 1, arbitrary: fc.constantFrom(...BROKEN_JSON) },
  )
  const type = fc.oneof(
    { weight: 20, arbitrary: fc.constant('application/json') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'text/plain',
        'application/xml',
        'nonsense',
        'application/json; charset=x',
      ),
    },
  )
  return fc.record({ payload: text, type })
}

function multipartBody(field: string, files: Buffer[]) {
  const part = (name: string, bytes: Buffer, end: string) =>
    Buffer.concat([
      Buffer.from(
        `--b\r\ncontent-disposition: form-data; name="${name}"; filename="a.png"\r\n\r\n`,
      ),
      bytes,
      Buffer.from(end),
    ])
  const payload = fc
    .tuple(
      fc.constantFrom(field, field, 'other', '\0'),
      fc.constantFrom(...files),
      fc.constantFrom('\r\n--b--\r\n', '\r\n--b--\r\n', '', '\r\n--b'),
    )
    .map(([name, bytes, end]) => part(name, bytes, end))
  const type = fc.constantFrom(
    'multipart/form-data; boundary=b',
    'multipart/form-data',
    'image/png',
  )
  return fc.record({ payload, type })
}

/** Any request to any route; `tokens` and `cursors` are read when a request is made. */
export function requests(
  routes: Route[],
  files: Buffer[],
  tokens: () => string[],
  cursors: () => string[],
) {
  return fc.constantFrom(...routes).chain((route) => {
    const { parameters = [], requestBody } = route.operation
    const json = requestBody?.content['application/json']?.schema
    const form = requestBody?.content['multipart/form-data']?.schema
    const body = json
      ? jsonBody(json)
      : form
        ? multipartBody(Object.keys(form.properties ?? {})[0] ?? '', files)
        : fc.constant(undefined)
    const values = fc.tuple(...parameters.map((parameter) => parameterValue(parameter, cursors)))
    return fc
      .record({ values, body, token: token(tokens) })
      .map(({ values, body, token }): Request => {
        const sent = parameters.map((parameter, i) => ({ ...parameter, value: values[i] }))
        const query = sent.filter((each) => each.in === 'query' && each.value !== undefined)
        const header = sent.filter((each) => each.in === 'header' && each.value !== undefined)
        const path = sent
          .filter((each) => each.in === 'path')
          .reduce((url, each) => url.replace(`{${each.name}}`, each.value ?? ''), route.path)
        return {
          route,
          url: `${path}?${query.map((each) => `${each.name}=${each.value}`).join('&')}`,
          headers: {
            ...Object.fromEntries(header.map((each) => [each.name, each.value ?? ''])),
            ...(token && { authorization: token }),
            ...(body && { 'content-type': body.type }),
          },
          payload: body?.payload,
        }
      })
  })
}

type Parameter = { in: string; name: string; schema: Schema }

function parameterValue({ in: where, name, schema }: Parameter, cursors: () => string[]) {
  if (where === 'header') return fc.constantFrom(undefined, 'key-1', 'key-2', 'x'.repeat(300))
  if (name === 'cursor' || name === 'since') {
    const known = fc.nat().map((n) => cursors()[n % (cursors().length || 1)])
    return fc.oneof(
      fc.constant(undefined),
      known,
      fc.constantFrom('', 'x', 'bm9wZTox', '%00', 'x'.repeat(300)),
    )
  }
  const valid = good(name, schema).map(String)
  const spoiltOne = fc.constantFrom(...NASTY_IDS)
  const optional = where === 'query' ? [{ weight: 4, arbitrary: fc.constant(undefined) }] : []
  return fc.oneof({ weight: 6, arbitrary: valid }, { weight: 2, arbitrary: spoiltOne }, ...optional)
}

const unsigned = (payload: object) =>
  `${[{ alg: 'none' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

const token = (tokens: () => string[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.nat().map((n) => `Bearer ${tokens()[n % tokens().length]}`) },
    { weight: 1, arbitrary: fc.constant(undefined) },
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
