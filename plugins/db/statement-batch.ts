import type { FieldPacket, QueryOptions } from 'mysql2'

export type Answer = [rows: unknown, fields: unknown]
export type Sent = { options: QueryOptions; values: unknown[] }
export type StatementBatch = ReturnType<typeof createStatementBatch>

export function createStatementBatch() {
  const waiting: (Sent & { answer: PromiseWithResolvers<Answer> })[] = []

  function add(options: QueryOptions, values: unknown[]) {
    const answer = Promise.withResolvers<Answer>()
    waiting.push({ options, values, answer })
    return answer.promise
  }

  /** Resolves each statement, or rejects all: the server does not say which one failed. */
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

/** Splits the answer to a text into one answer per statement, with rows as objects or arrays as requested. */
export function toAnswers([rows, fields]: Answer, statements: Sent[]): Answer[] {
  if (statements.length === 1) return [[rows, fields]]
  // For several statements, the driver gives a list of rows and a list of fields.
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
