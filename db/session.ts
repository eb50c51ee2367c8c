import type { PoolConnection, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { connect, type Tx } from '../plugins/db.ts'
import { createPacket, type Packet, type Sent, toAnswers } from './packet.ts'

export type Statement = { sql: string; values: unknown[] }
export type Session = ReturnType<typeof createSession>
export type Answer = [rows: unknown, fields: unknown]
export type Works = readonly ((db: Tx) => PromiseLike<unknown>)[]

/**
 * One connection as transactions use it, with as few round trips as there can be: `begin` goes to the
 * server together with the first statement, the last ones go together with `commit`.
 */
export function createSession(from: object) {
  // The types of the driver give the promise's connection for the one below it.
  const connection = from as PoolConnection
  let begun = true
  let packet: Packet | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const send = (options: QueryOptions, values: unknown[] = []) =>
    new Promise<Answer>((resolve, reject) => {
      connection.query(options, values, (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })

  /** These, and `begin` in front of them where it is still to be said. */
  async function sendAll(statements: Sent[]) {
    const first: Sent[] = begun ? [] : [{ options: { sql: 'begin' }, values: [] }]
    begun = true
    const all = [...first, ...statements]
    const sql = all.map(({ options }) => options.sql).join('; ')
    // Where one wants rows as arrays all are read so.
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
    if (!packet) throw new Error('Too late: `together` takes what is asked for at once.')
    return packet.add(options, values)
  }

  /** In turn, when several are asked for at the same time. */
  function together(works: Works) {
    const result = turn.then(() => sendTogether(works))
    turn = result.catch(() => {})
    return result
  }

  async function sendTogether(works: Works) {
    const own = createPacket()
    packet = own
    const results: Promise<unknown>[] = []
    for (const work of works) {
      const result = Promise.try(work, batched)
      result.catch(() => {})
      results.push(result)
      // Once there is nothing left to do at once, the statement is here.
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    packet = undefined
    await own.send(sendAll)
    return Promise.all(results)
  }

  /** The statements, then the commit; nothing when nothing was asked for. */
  async function end(statements: Statement[]) {
    if (!begun && statements.length === 0) return
    const last = [...statements, { sql: 'commit', values: [] }]
    await sendAll(last.map(({ sql, values }) => ({ options: { sql }, values })))
  }

  // Of a client, Drizzle calls nothing but this.
  const batched = connect({ query: collect } as unknown as Pool) as unknown as Tx
  return {
    db: connect({ query } as unknown as Pool),
    start: () => {
      begun = false
    },
    together,
    end,
    rollBack: () => send({ sql: 'rollback' }),
  }
}
