import { type Placeholder, sql } from 'drizzle-orm'
import type { Pool as CallbackPool, QueryOptions } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import type { Db, Tx } from './client.ts'
import { currentWork } from './extension-work.ts'
import type { Shares } from './shares.ts'

/** Lists of ids are padded to one of these lengths, so that few statements are prepared. */
const LENGTHS = [1, 8, 32, 128] as const
const MOST = 128

type Values = Record<string, unknown>
type Prepared<Result> = { execute: (values?: Values) => Promise<Result> }
type Preparable<Result> = { prepare: () => Prepared<Result> }

/**
 * The database for which a query is prepared. For a transaction that is the database of its connection,
 * which sends statements as text, so that a statement batch can hold several.
 */
export const preparedBy = new WeakMap<Db | Tx, Db>()

/**
 * Returns a client for Drizzle that runs queries as prepared statements of the server. By default the
 * driver sends the text each time. Build and `.prepare()` each query once.
 */
export function executing(pool: CallbackPool, { withConnection }: Shares) {
  const query = (statement: QueryOptions, values: unknown[] = []) =>
    currentWork()
      ? withConnection('statement', ({ connection }) => executeOn(connection, statement, values))
      : executeOn(pool, statement, values)
  // Drizzle calls no other method for a prepared query.
  return { query } as unknown as Pool
}

/** Uses a callback, because the driver's promise wrapper creates an Error on each call. */
const executeOn = (client: object, statement: QueryOptions, values: unknown[]) =>
  new Promise((resolve, reject) => {
    // The driver types the callback connection of a promise connection as a promise connection.
    const { execute } = client as CallbackPool
    execute.call(client, statement, values.map(toText) as string[], (error, rows, fields) =>
      error ? reject(error) : resolve([rows, fields]),
    )
  })

/** The driver sends numbers as DOUBLE, which LIMIT refuses; the server converts text to integers. */
const toText = (value: unknown) => (typeof value === 'number' ? String(value) : value)

/**
 * A placeholder with the type of a number, for functions that only put the number into SQL: the same
 * function then builds a query with a value or with a placeholder.
 */
export const placeholder = (name: string) => sql.placeholder(name) as Placeholder & number

export function createPreparing(db: Db, prepared: Db) {
  preparedBy.set(db, prepared)

  /** Builds and prepares a query once per database on which it runs. */
  function prepareQuery<Result>(build: (db: Db | Tx) => Preparable<Result>) {
    const made = new WeakMap<Db | Tx, Prepared<Result>>()
    return function execute(values: Values = {}, on: Db | Tx = db) {
      const target = preparedBy.get(on) ?? on
      const statement = made.get(target) ?? build(target).prepare()
      made.set(target, statement)
      return statement.execute(values)
    }
  }

  /** Prepares a query over a list of ids, once per length; lists of more than 128 ids run in parts. */
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
      // The last id pads the list; a repeated id in an IN list changes nothing.
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
