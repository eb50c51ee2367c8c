import type { PoolConnection, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { connect } from '../plugins/db.ts'
import { executing } from './prepared.ts'

export type Statement = { sql: string; values: unknown[] }
export type Session = ReturnType<typeof createSession>
type Answer = [rows: unknown, fields: unknown]

/**
 * One connection as transactions use it, with as few round trips as there can be: `begin` goes to the
 * server together with the first statement, the last ones go together with `commit`.
 */
export function createSession(from: object) {
  // The types of the driver give the promise's connection for the one below it.
  const connection = from as PoolConnection
  let begun = true

  const send = (statement: QueryOptions, values: unknown[] = []) =>
    new Promise<Answer>((resolve, reject) => {
      connection.query(statement, values, (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })

  async function query(statement: QueryOptions, values?: unknown[]): Promise<Answer> {
    if (begun) return send(statement, values)
    begun = true
    const sql = `begin; ${statement.sql}`
    // Each statement has an answer of its own; the first one's says nothing.
    const [rows, fields] = await send({ ...statement, sql }, values)
    return [(rows as unknown[])[1], (fields as unknown[])[1]]
  }

  /** A prepared statement goes alone. */
  const beginning = async () => {
    if (begun) return
    begun = true
    await send({ sql: 'begin' })
  }

  /** The statements, then the commit; nothing when nothing was asked for. */
  async function end(statements: Statement[]) {
    if (!begun && statements.length === 0) return
    const first = begun ? [] : [{ sql: 'begin', values: [] }]
    begun = true
    const last = [...first, ...statements, { sql: 'commit', values: [] }]
    const sql = last.map((one) => one.sql).join('; ')
    await send(
      { sql },
      last.flatMap(({ values }) => values),
    )
  }

  return {
    // Of a client, Drizzle calls nothing but this.
    db: connect({ query } as unknown as Pool),
    prepared: connect(executing(connection, beginning)),
    start: () => {
      begun = false
    },
    end,
    rollBack: () => send({ sql: 'rollback' }),
  }
}
