import type { PoolConnection, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { connect } from '../plugins/db.ts'

export type Statement = { sql: string; values: unknown[] }
export type Session = ReturnType<typeof createSession>
type Answer = [rows: unknown, fields: unknown]
type Waiting = { options: QueryOptions; values: unknown[]; answer: PromiseWithResolvers<Answer> }

/**
 * One connection as transactions use it, with as few round trips as there can be: `begin` goes to the
 * server together with the first statement, the last ones go together with `commit`.
 */
export function createSession(from: object) {
  // The types of the driver give the promise's connection for the one below it.
  const connection = from as PoolConnection
  let begun = true
  let waiting: Waiting[] | undefined

  const send = (options: QueryOptions, values: unknown[] = []) =>
    new Promise<Answer>((resolve, reject) => {
      connection.query(options, values, (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })

  /** `begin`, where it is still to be said, and these; the options are the last one's. */
  async function sendAll(statements: { options: QueryOptions; values: unknown[] }[]) {
    const first = begun ? [] : ['begin']
    begun = true
    const texts = [...first, ...statements.map(({ options }) => options.sql)]
    const values = statements.flatMap((one) => one.values)
    const options = { ...statements.at(-1)?.options, sql: texts.join('; ') }
    const [rows, fields] = await send(options, values)
    if (texts.length === 1) return [[rows, fields] satisfies Answer]
    // Each statement has an answer of its own.
    const [allRows, allFields] = [rows, fields] as unknown[][]
    return statements.map((_, n): Answer => {
      const place = first.length + n
      return [allRows?.[place], allFields?.[place]]
    })
  }

  async function query(options: QueryOptions, values: unknown[] = []): Promise<Answer> {
    if (waiting) {
      const answer = Promise.withResolvers<Answer>()
      waiting.push({ options, values, answer })
      return answer.promise
    }
    const [answer] = await sendAll([{ options, values }])
    return answer ?? [[], []]
  }

  /**
   * Sends what each of these asks for, one statement in this order, in one packet. Where one fails,
   * those behind it are not run, and all of them fail with its error.
   */
  async function together(works: readonly (() => PromiseLike<unknown>)[]) {
    const batch: Waiting[] = []
    waiting = batch
    const results: Promise<unknown>[] = []
    for (const work of works) {
      const result = Promise.resolve(work())
      result.catch(() => {})
      results.push(result)
      // Once there is nothing left to do at once, the statement is here.
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    waiting = undefined
    if (batch.length > 0) {
      try {
        const answers = await sendAll(batch)
        for (const [n, { answer }] of batch.entries()) answer.resolve(answers[n] ?? [[], []])
      } catch (error) {
        for (const { answer } of batch) answer.reject(error)
      }
    }
    return Promise.all(results)
  }

  /** The statements, then the commit; nothing when nothing was asked for. */
  async function end(statements: Statement[]) {
    if (!begun && statements.length === 0) return
    const last = [...statements, { sql: 'commit', values: [] }]
    await sendAll(last.map(({ sql, values }) => ({ options: { sql }, values })))
  }

  return {
    // Of a client, Drizzle calls nothing but this.
    db: connect({ query } as unknown as Pool),
    start: () => {
      begun = false
    },
    together,
    end,
    rollBack: () => send({ sql: 'rollback' }),
  }
}
