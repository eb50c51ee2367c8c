import { type Placeholder, sql } from 'drizzle-orm'
import type { Pool as CallbackPool, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import type { Db, Tx } from './client.ts'

/** Lists of ids have one of these lengths, so that few statements are prepared. */
const LENGTHS = [1, 8, 32, 128] as const
const MOST = 128

type Values = Record<string, unknown>
type Prepared<Result> = { execute: (values?: Values) => Promise<Result> }
type Preparable<Result> = { prepare: () => Prepared<Result> }

/**
 * Where a query is built once: for a transaction the database of its connection, whose statements are
 * sent as text, so that several can travel together.
 */
export const preparedBy = new WeakMap<Db | Tx, Db>()

/**
 * A client for a Drizzle whose queries are built and `.prepare()`d once and then run as prepared
 * statements of the server, where the driver itself would send the text each time.
 */
export function executing(client: Pick<CallbackPool, 'execute'>) {
  // Called back: the driver's promises make an error in advance for each call.
  const query = (statement: QueryOptions, values: unknown[] = []) =>
    new Promise((resolve, reject) => {
      client.execute(statement, values.map(toText) as string[], (error, rows, fields) =>
        error ? reject(error) : resolve([rows, fields]),
      )
    })
  // Of a client, Drizzle calls nothing but this for a prepared query.
  return { query } as unknown as Pool
}

/** The driver sends numbers as DOUBLE, which LIMIT refuses; the server reads text as integers. */
const toText = (value: unknown) => (typeof value === 'number' ? String(value) : value)

/**
 * What asks for a number puts it into SQL and nowhere else, where a placeholder does as well: one
 * query serves with values and without.
 */
export const placeholder = (name: string) => sql.placeholder(name) as Placeholder & number

export function createPreparing(db: Db, prepared: Db) {
  preparedBy.set(db, prepared)

  /** Builds a query once for each database it is asked of. */
  function prepareQuery<Result>(build: (db: Db | Tx) => Preparable<Result>) {
    const made = new WeakMap<Db | Tx, Prepared<Result>>()
    return function execute(values: Values = {}, on: Db | Tx = db) {
      const target = preparedBy.get(on) ?? on
      const statement = made.get(target) ?? build(target).prepare()
      made.set(target, statement)
      return statement.execute(values)
    }
  }

  /** The same for a query over a list of ids, once for each of a few lengths. */
  function prepareForIds<Row>(build: (ids: Placeholder[], db: Db | Tx) => Preparable<Row[]>) {
    const statements = LENGTHS.map((length) => {
      const names = Array.from({ length }, (_, i) => `id${i}`)
      const ids = names.map((name) => sql.placeholder(name))
      return { names, execute: prepareQuery((on) => build(ids, on)) }
    })

    function run(ids: number[], values: Values, on: Db | Tx): Promise<Row[]> {
      const fits = ({ names }: { names: string[] }) => names.length >= ids.length
      const { names = [], execute } = statements.find(fits) ?? {}
      if (!execute) throw new RangeError(`More than ${MOST} ids.`)
      // What is missing to the length is filled up with the last one.
      const list = names.map((name, i) => [name, ids[Math.min(i, ids.length - 1)]])
      return execute({ ...values, ...Object.fromEntries(list) }, on)
    }

    return async function forIds(ids: number[], values: Values = {}, on: Db | Tx = db) {
      const rows: Row[] = []
      for (let start = 0; start < ids.length; start += MOST)
        rows.push(...(await run(ids.slice(start, start + MOST), values, on)))
      return rows
    }
  }

  return { prepareQuery, prepareForIds }
}
