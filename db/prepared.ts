import { type Placeholder, sql } from 'drizzle-orm'
import type { Pool } from 'mysql2/promise'

/** Lists of ids have one of these lengths, so that few statements are prepared. */
const LENGTHS = [1, 8, 32, 128, 512] as const

type Values = Record<string, unknown>
type Preparable<Row> = { prepare: () => { execute: (values?: Values) => Promise<Row[]> } }

/**
 * A client for a Drizzle whose queries are built and `.prepare()`d once and then run as prepared
 * statements of the server, where the pool itself would send the text each time. Not for transactions.
 */
export function executing(pool: Pool) {
  const query = (statement: object, params: unknown[] = []) =>
    pool.execute(statement as { sql: string }, params.map(toText) as string[])
  // Of a client, Drizzle calls nothing but this for a prepared select.
  return { query } as unknown as Pool
}

/** The driver sends numbers as DOUBLE, which LIMIT refuses; the server reads text as integers. */
const toText = (value: unknown) => (typeof value === 'number' ? String(value) : value)

/** Prepares a query for a list of ids once for each of a few lengths. */
export function prepareForIds<Row>(build: (ids: Placeholder[]) => Preparable<Row>) {
  const statements = new Map<number, ReturnType<Preparable<Row>['prepare']>>()

  async function run(ids: number[], values: Values) {
    const length = LENGTHS.find((one) => one >= ids.length) ?? 512
    const names = Array.from({ length }, (_, i) => `id${i}`)
    const statement =
      statements.get(length) ?? build(names.map((name) => sql.placeholder(name))).prepare()
    statements.set(length, statement)
    // What is missing to the length is filled up with the last one.
    const list = names.map((name, i) => [name, ids[Math.min(i, ids.length - 1)]])
    return statement.execute({ ...values, ...Object.fromEntries(list) })
  }

  return async function forIds(ids: number[], values: Values = {}): Promise<Row[]> {
    const most = LENGTHS.at(-1) ?? 1
    if (ids.length <= most) return ids.length === 0 ? [] : run(ids, values)
    return [...(await run(ids.slice(0, most), values)), ...(await forIds(ids.slice(most), values))]
  }
}
