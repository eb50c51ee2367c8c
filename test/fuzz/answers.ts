import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Answer } from './client.ts'
import type { Route } from './requests.ts'

/** Answers to a spoilt path, which leads to another operation or to none. */
const ELSEWHERE = ['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', 'INVALID_URL']

/** Traces of the inside of a server. */
const INSIDE =
  /\$argon2|\bat \S+ \(?\/|node_modules|file:\/\/\/|\bER_[A-Z_]{4,}|Failed query|ECONNREFUSED/

/** Checks answers; `secrets` are texts that no answer may hold. */
export function createAnswerChecks(document: object, secrets: string[]) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const compiled = new Map<string, ValidateFunction>()

  function schemaProblem({ line, responses }: Route, status: number, body: unknown) {
    if (!responses) return undefined
    const declared = responses[status]
    if (!declared) return 'is not declared'
    const schema = Object.values(declared.content ?? {})[0]?.schema
    if (!schema || body === undefined) return undefined
    const key = `${line} ${status}`
    const { components } = document as { components: object }
    const validate = compiled.get(key) ?? ajv.compile({ ...schema, components })
    compiled.set(key, validate)
    return validate(body) ? undefined : ajv.errorsText(validate.errors)
  }

  /** Names the fault of an answer; undefined for a fine one. */
  function problemOf(route: Route, { status, type, text }: Answer) {
    const body = type.includes('json') && text !== '' ? read(text) : undefined
    if (body === BROKEN) return 'is no JSON'
    const code = Object(body).code as unknown
    if (status >= 500 && !(status === 503 && isReason(body))) return 'is a server error'
    if (INSIDE.test(text)) return 'shows the inside of the server'
    if (secrets.some((secret) => text.includes(secret))) return 'shows a secret'
    return ELSEWHERE.includes(String(code)) ? undefined : schemaProblem(route, status, body)
  }

  return { problemOf }
}

const BROKEN = Symbol('broken')

function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return BROKEN
  }
}

/** A refusal that names its reason, in the form of either API. */
const isReason = (body: unknown) => Boolean(Object(body).code ?? Object(body).error)
