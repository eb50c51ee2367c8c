import type { FastifyInstance } from 'fastify'
import { decodeUtf8 } from './utf8.ts'

type Fields = Record<string, unknown>

/** Reads `a=1&b[]=2&b[]=3`; a name that repeats is a list. */
export function parseForm(text: string) {
  const fields: Fields = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields[name]
    fields[name] = before === undefined ? value : [before, value].flat()
  }
  return fields
}

/**
 * Renames fields such as `ids[]` to `ids`, with a list as the value, and deletes null, which clients send for a field
 * that they leave out.
 */
export function tidy(fields: unknown) {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return
  const all = fields as Fields
  for (const [name, value] of Object.entries(all)) {
    if (value === null) delete all[name]
    if (!name.endsWith('[]')) continue
    delete all[name]
    const plain = name.slice(0, -2)
    if (plain !== '__proto__') all[plain] = [all[plain] ?? [], value].flat()
  }
}

/** Accepts forms as well as JSON in a scope, in bodies and queries. */
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
    done()
  })
}
