import { type Placeholder, sql } from 'drizzle-orm'
import type { Pool as CallbackPool, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import type { Db, Tx } from '../plugins/db.ts'

/** Lists of ids have one of these lengths, so that few statements are prepared. */
const LENGTHS = [1, 8, 32, 128] as const
const MOST = 128

type Values = Record<string, unknown>
type Preparable<Row> = { prepare: () => { execute: (values?: Values) => Promise<Row[]> } }

/** For the database within a transaction, the one that prepares its statements. */
export const preparedBy = new WeakMap<Db | Tx, Db>()

/**
 * A client for a Drizzle whose queries are built and `.prepare()`d once and then run as prepared
 * statements of the server, where the driver itself would send the text each time.
 */
export function executing(client: Pick<CallbackPool, 'execute'>, before = async () => {}) {
  // Called back: the driver's promises make an error in advance for each call.
  const execute = (statement: QueryOptions, values: unknown[] = []) =>
    new Promise((resolve, reject) => {
      client.execute(statement, values.map(toText) as string[], (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })
  const query = async (statement: QueryOptions, values?: unknown[]) => {
    await before()
    return execute(statement, values)
  }
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
  preparedBy.set(db, prepared)

  /** Prepares a query for a list of ids once for each of a few lengths. */
  return function prepareForIds<Row>(build: (ids: Placeholder[], db: Db | Tx) => Preparable<Row>) {
    const made = new WeakMap<Db | Tx, Map<number, ReturnType<Preparable<Row>['prepare']>>>()

    function prepare(on: Db | Tx, names: string[]) {
      const statements = made.get(on) ?? new Map()
      made.set(on, statements)
      const ids = names.map((name) => sql.placeholder(name))
      const statement = statements.get(names.length) ?? build(ids, on).prepare()
      statements.set(names.length, statement)
      return statement
    }

    async function run(ids: number[], values: Values, on: Db | Tx): Promise<Row[]> {
      const length = LENGTHS.find((one) => one >= ids.length) ?? MOST
      const names = Array.from({ length }, (_, i) => `id${i}`)
      // What is missing to the length is filled up with the last one.
      const list = names.map((name, i) => [name, ids[Math.min(i, ids.length - 1)]])
      const statement = prepare(preparedBy.get(on) ?? on, names)
      return statement.execute({ ...values, ...Object.fromEntries(list) })
    }

    return async function forIds(ids: number[], values: Values = {}, on: Db | Tx = db) {
      const rows: Row[] = []
      for (let start = 0; start < ids.length; start += MOST)
        rows.push(...(await run(ids.slice(start, start + MOST), values, on)))
      return rows
    }
  }
}
