import fc from 'fast-check'
import { type Body, bodyFor, type Contents } from './bodies.ts'
import { isStall, SHAPES } from './raw.ts'
import { good, NASTY_IDS, one, type Schema } from './values.ts'

// Generates steps from the operations of the service: some good, some spoilt in one of many ways. A step is plain
// data, so that a script can be kept in a file. Names such as `$tweet2` stand for what the script has made.

type Parameter = { in: string; name: string; schema: Schema }
export type Route = {
  /** For example `GET /v1/users/{id}`. */
  line: string
  parameters?: Parameter[]
  requestBody?: { content: Contents }
  /** Undefined if no document says what the operation answers. */
  responses?: Record<string, { content?: Contents }>
}

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
const STEPS_AT_ONCE = 6
const TURNS = 60

/** Names of things by the part of the path in which their id is. */
const BY_PATH: Record<string, string> = { tweets: 'tweet', users: 'user', media: 'media' }

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
    content: { 'application/json': { schema: { properties: { text: {} }, required: ['text'] } } },
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
