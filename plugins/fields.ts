import type { FastifyBaseLogger, Resources } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Db, Tx } from './db/client.ts'
import type { Owner } from './features/feature.ts'
import { inTime } from './in-time.ts'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Milliseconds in which a field must be read; a late field is left out of the answer. */
export const FIELD_LIMIT = 1_000
/** Failures in a row after which a field is not read for `PAUSE` milliseconds. */
const FAILURES = 3
const PAUSE = 30_000

export type ResourceName = keyof Resources & string
export type Viewing = {
  viewerId?: number | undefined
  db: Db | Tx
  /** True for a tweet that this transaction has just created, which has no reactions yet. */
  justCreated?: boolean
  /** True when the cache was synced during this request. */
  synced?: boolean
}
export type FieldContext<Item = unknown> = Viewing & {
  /** Frozen copies of the items so far, so that a field need not read a tweet's text again. */
  items: readonly Readonly<Item>[]
}
export type Field<Value, Name extends ResourceName = ResourceName> = {
  /** Must be optional: a late or failed field is left out of the answer. */
  schema: TSchema
  /** Returns the values of these ids, without ids that have none; called once per page. */
  read: (ids: number[], context: FieldContext<Resources[Name]>) => Promise<Map<number, Value>>
}
type FieldReader = (ids: number[], context: FieldContext) => Promise<Map<number, unknown>>

/**
 * Returns a function that reads a field, and returns no values when that fails or takes longer than 1 s.
 * After three failures in a row it does not read the field for 30 s, then tries once.
 */
export function createFieldReader(
  { name, owner, schema, read }: { name: string; owner: Owner; schema: TSchema; read: FieldReader },
  log: FastifyBaseLogger,
  pause = PAUSE,
): FieldReader {
  const fits = checker(schema)
  let failures = 0
  let pausedUntil = 0

  async function readInTime(ids: number[], context: FieldContext) {
    const values = await inTime(Promise.try(read, ids, context), FIELD_LIMIT)
    for (const [id, value] of values) {
      if (!fits(value)) throw new Error(`the value for ${id} does not match the schema`)
    }
    return values
  }

  /** Nobody but the next read after the pause waits for a field that may be late again. */
  function beginPause() {
    pausedUntil = performance.now() + pause
  }

  function fail(error: unknown) {
    failures++
    const fields = { err: error, field: name, owner: owner.name }
    log.error(fields, 'a field was left out of an answer')
    if (failures !== FAILURES) return
    beginPause()
    log.error(fields, `a field is left out of all answers for ${pause / 1000} s at a time`)
  }

  return async function readField(ids, context) {
    if (failures >= FAILURES) {
      if (performance.now() < pausedUntil) return new Map()
      beginPause()
    }
    try {
      const values = await readInTime(ids, context)
      failures = 0
      return values
    } catch (error) {
      fail(error)
      return new Map()
    }
  }
}

/** Checks values, because a value that the serializer refuses fails the answer; ignores schemas with `$ref`. */
function checker(schema: TSchema) {
  if (JSON.stringify(schema).includes('$ref')) return () => true
  const compiled = Compile(schema)
  return (value: unknown) => compiled.Check(value)
}
