import fc from 'fast-check'
import { goodObject, NASTY_VALUES, type Schema } from './values.ts'

// Bodies of requests: some good, some spoilt in one of many ways.

export const FILES = 5

export type Contents = Record<string, { schema: Schema }>
/** JSON or a form as text; a number is one of the files of the run. */
export type Body =
  | { type: string; text: string }
  | { type: string; field: string; file: number; end: string }

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

export function bodyFor(content: Contents = {}): fc.Arbitrary<Body | undefined> {
  const json = content[JSON_TYPE]?.schema
  const form = content['application/x-www-form-urlencoded']?.schema
  const multipart = content['multipart/form-data']?.schema
  if (json) return jsonBody(json)
  if (form) return formBody(form)
  if (multipart) return multipartBody(Object.keys(multipart.properties ?? {})[0] ?? '')
  return fc.constant(undefined)
}
