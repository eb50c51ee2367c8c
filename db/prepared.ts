import { type Placeholder, sql } from 'drizzle-orm'
import type { Pool } from 'mysql2/promise'
import type { Db, Tx } from '../plugins/db.ts'

/** Lists of ids have one of these lengths, so that few statements are prepared. */
const LENGTHS = [1, 8, 32, 128, 512] as const
const MOST = 512

type Values = Record<string, unknown>
type Preparable<Row> = { prepare: () => { execute: (values?: Values) => Promise<Row[]> } }

/**
 * A client for a Drizzle whose queries are built and `.prepare()`d once and then run as prepared
 * statements of the server, where the pool itself would send the text each time. Not for transactions.
 */
export function executing(pool: Pool) {
  // The pool of callbacks: that of promises makes an error in advance for each call.
  const query = (statement: { sql: string }, params: unknown[] = []) =>
    new Promise((resolve, reject) => {
      pool.pool.execute(statement, params.map(toText) as string[], (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })
  // Of a client, Drizzle calls nothing but this for a prepared select.
  return { query } as unknown as Pool
}

/** The driver sends numbers as DOUBLE, which LIMIT refuses; the server reads text as integers. */
const toText = (value: unknown) => (typeof value === 'number' ? String(value) : value)

/**
 * What asks for a number puts it into SQL and nowhere else, where a placeholder does as well: one
 * query serves with values and without.
 */
export const placeholder = (name: string) => sql.placeholder(name) as Placeholder & number

export function createPrepareForIds(db: Db, prepared: Db) {
  /** Prepares a query for a list of ids once for each of a few lengths. */
  return function prepareForIds<Row>(build: (ids: Placeholder[], db: Db | Tx) => Preparable<Row>) {
    const statements = new Map<number, ReturnType<Preparable<Row>['prepare']>>()

    async function run(ids: number[], values: Values, tx?: Tx | Db) {
      const length = LENGTHS.find((one) => one >= ids.length) ?? MOST
      const names = Array.from({ length }, (_, i) => `id${i}`)
      const make = (on: Db | Tx) =>
        build(
          names.map((name) => sql.placeholder(name)),
          on,
        ).prepare()
      const known = tx ? make(tx) : (statements.get(length) ?? make(prepared))
      if (!tx) statements.set(length, known)
      // What is missing to the length is filled up with the last one.
      const list = names.map((name, i) => [name, ids[Math.min(i, ids.length - 1)]])
      return known.execute({ ...values, ...Object.fromEntries(list) })
    }

    return async function forIds(ids: number[], values: Values = {}, on = db as Db | Tx) {
      const rows: Row[] = []
      for (let start = 0; start < ids.length; start += MOST) {
        const some = ids.slice(start, start + MOST)
        rows.push(...(await run(some, values, on === db ? undefined : on)))
      }
      return rows
    }
  }
}
