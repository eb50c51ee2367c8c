import type { PoolConnection, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { connect, type Tx } from './client.ts'
import {
  type Answer,
  createStatementBatch,
  type Sent,
  type StatementBatch,
  toAnswers,
} from './statement-batch.ts'

export type Statement = { sql: string; values: unknown[] }
export type Session = ReturnType<typeof createSession>
export type Works = readonly ((db: Tx) => PromiseLike<unknown>)[]

/**
 * Creates the session of one connection for transactions. It saves round trips: `begin` is sent with the
 * first statement, and the last statements are sent with `commit`.
 */
export function createSession(from: object) {
  // The driver types this callback connection as a promise connection.
  const connection = from as PoolConnection
  let begun = true
  let collecting: StatementBatch | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const send = (options: QueryOptions, values: unknown[] = []) =>
    new Promise<Answer>((resolve, reject) => {
      connection.query(options, values, (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })

  async function sendAll(statements: Sent[]) {
    const first: Sent[] = begun ? [] : [{ options: { sql: 'begin' }, values: [] }]
    begun = true
    const all = [...first, ...statements]
    const sql = all.map(({ options }) => options.sql).join('; ')
    // When one statement asks for rows as arrays, the driver returns all rows as arrays.
    const arrays = all.find(({ options }) => options.rowsAsArray)
    const options = { ...(arrays ?? all.at(-1))?.options, sql }
    const answer = await send(
      options,
      all.flatMap(({ values }) => values),
    )
    return toAnswers(answer, all).slice(first.length)
  }

  async function query(options: QueryOptions, values: unknown[] = []): Promise<Answer> {
    const [answer] = await sendAll([{ options, values }])
    return answer ?? [[], []]
  }

  async function collect(options: QueryOptions, values: unknown[] = []) {
    if (!collecting)
      throw new Error('Issue the statements of a batch synchronously; this one came too late.')
    return collecting.add(options, values)
  }

  /** Runs batches one after the other, also when several are started at the same time. */
  function batch(works: Works) {
    const result = turn.then(() => sendBatch(works))
    turn = result.catch(() => {})
    return result
  }

  async function sendBatch(works: Works) {
    const own = createStatementBatch()
    collecting = own
    const results: Promise<unknown>[] = []
    for (const work of works) {
      const result = Promise.try(work, batched)
      result.catch(() => {})
      results.push(result)
      // The work issues its statement within one tick.
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    collecting = undefined
    await own.send(sendAll)
    return Promise.all(results)
  }

  /** Sends the last statements and the commit; sends nothing when the transaction ran none. */
  async function end(statements: Statement[]) {
    if (!begun && statements.length === 0) return
    const last = [...statements, { sql: 'commit', values: [] }]
    await sendAll(last.map(({ sql, values }) => ({ options: { sql }, values })))
  }

  // Drizzle calls no other method of a client.
  const batched = connect({ query: collect } as unknown as Pool) as unknown as Tx
  return {
    db: connect({ query } as unknown as Pool),
    start: () => {
      begun = false
    },
    batch,
    end,
    rollBack: () => send({ sql: 'rollback' }),
  }
}
