import type { FastifyInstance } from 'fastify'
import qs from 'qs'
import { decodeUtf8 } from './utf8.ts'

type Fields = Record<string, unknown>

/** Most entries of a list, and fields of a form. */
const MOST = 200

/** Reads `a=1&b[]=2&b[]=3&c[name]=4`; a name that repeats is a list. */
export const parseForm = (text: string): Fields =>
  qs.parse(text, { arrayLimit: MOST, parameterLimit: MOST })

/**
 * Renames fields such as `ids[]` to `ids`, with a list as the value, and deletes null, which clients send for a field
 * that they leave out.
 */
export function tidy(fields: unknown) {
  if (!isFields(fields)) return
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) delete fields[name]
    if (!name.endsWith('[]')) continue
    delete fields[name]
    const plain = name.slice(0, -2)
    if (plain !== '__proto__') fields[plain] = [fields[plain] ?? [], value].flat()
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Accepts forms as well as JSON in a scope. What the URL of a write has after `?` belongs to its body. */
export function acceptForms(scope: FastifyInstance) {
  scope.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      done(null, parseForm(decodeUtf8(bytes, request.headers['content-type'])))
    },
  )
  scope.addHook('preValidation', (request, _reply, done) => {
    tidy(request.query)
    tidy(request.body)
    const [, query] = /\?(.+)/.exec(request.url) ?? []
    if (query && isFields(request.body)) request.body = { ...parseForm(query), ...request.body }
    done()
  })
}
