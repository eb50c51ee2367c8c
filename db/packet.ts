import type { FieldPacket, QueryOptions } from 'mysql2'
import type { Answer } from './session.ts'

export type Sent = { options: QueryOptions; values: unknown[] }
export type Packet = ReturnType<typeof createPacket>

/** Statements that go to the server as one text. */
export function createPacket() {
  const waiting: (Sent & { answer: PromiseWithResolvers<Answer> })[] = []

  function add(options: QueryOptions, values: unknown[]) {
    const answer = Promise.withResolvers<Answer>()
    waiting.push({ options, values, answer })
    return answer.promise
  }

  /** Gives each its answer, or all of them the error: the server doesn't say whose it is. */
  async function send(sendAll: (statements: Sent[]) => Promise<Answer[]>) {
    if (waiting.length === 0) return
    try {
      const answers = await sendAll(waiting)
      for (const [n, { answer }] of waiting.entries()) answer.resolve(answers[n] ?? [[], []])
    } catch (cause) {
      const texts = waiting.map(({ options }) => options.sql).join('; ')
      const error =
        waiting.length > 1 ? new Error(`One of these failed: ${texts}`, { cause }) : cause
      for (const { answer } of waiting) answer.reject(error)
    }
  }

  return { add, send }
}

/** The answer of each statement of a text, with rows as it wants them. */
export function toAnswers([rows, fields]: Answer, statements: Sent[]): Answer[] {
  if (statements.length === 1) return [[rows, fields]]
  // Of several statements, the driver gives a list of each.
  const [allRows, allFields] = [rows, fields] as [unknown[], (FieldPacket[] | undefined)[]]
  const areArrays = statements.some(({ options }) => options.rowsAsArray)
  return statements.map(({ options }, n): Answer => {
    const [own, names] = [allRows[n], allFields[n] ?? []]
    const asObjects = areArrays && !options.rowsAsArray && Array.isArray(own)
    return [asObjects ? own.map((row) => toObject(row, names)) : own, names]
  })
}

const toObject = (row: unknown[], fields: FieldPacket[]) =>
  Object.fromEntries(fields.map(({ name }, n) => [name, row[n]]))
