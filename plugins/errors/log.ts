import { DrizzleQueryError } from 'drizzle-orm'
import { mysqlError } from '../db/errors.ts'

/** Characters of a reason in the log. */
const REASON = 500

type SerializedError = { type: string; message: string; stack: string; [key: string]: unknown }

/** Serializes an error for the log, without query parameters, which hold e-mail addresses and hashes. */
export function serializeError(error: Error): SerializedError {
  if (error instanceof DrizzleQueryError) {
    const { stack, ...cause } = error.cause ? serializeError(error.cause) : { stack: '' }
    return { type: 'DrizzleQueryError', message: error.query, stack: '', cause }
  }
  return {
    ...brief(error),
    stack: withoutValues(error.stack ?? ''),
    ...(error.cause instanceof Error && { cause: serializeError(error.cause) }),
  }
}

const brief = (error: Error & { code?: unknown; errno?: unknown }) => ({
  type: error.name,
  code: error.code,
  errno: error.errno,
  message: withoutValues(error.message),
})

/** The error and all its causes, in one line. */
export function describeError(error: Error): string {
  const { type, message } = serializeError(error)
  return [`${type}: ${message}`, ...causesOf(error).map((cause) => brief(cause).message)].join('; ')
}

const causesOf = ({ cause }: Error): Error[] =>
  cause instanceof Error ? [cause, ...causesOf(cause)] : []

/** Removes the values that the database quotes in messages: a taken address, the rest of a statement. */
const withoutValues = (text = '') =>
  text.replaceAll(
    /(entry|value:?|near) '.*?'(?= for key| for column| at line| at row|$)/gms,
    "$1 '...'",
  )

/** The error of the database, not the text of the query; under load there are many such lines. */
export function refusal(error: Error) {
  const cause = mysqlError(error)
  const { code, errno, message } = brief(cause instanceof Error ? cause : error)
  return { code, errno, reason: message.slice(0, REASON) }
}
