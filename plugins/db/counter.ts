import { type SQL, sql } from 'drizzle-orm'
import type { ResultSetHeader } from 'mysql2'
import type { Tx } from './client.ts'
import { afterCommit, beforeCommit, type Transaction } from './transaction.ts'

/** Most deltas folded into the totals in one transaction, so that its locks stay short. */
const DELTAS_PER_TRANSACTION = 500
/** Milliseconds between a change and its roll-up. */
const ROLL_UP_DELAY = 1_000

export type Counter<Metric extends string> = ReturnType<typeof createCounter<Metric>>

class TakenByAnother extends Error {}

const isFull = (deltas: number) => deltas === DELTAS_PER_TRANSACTION

/** True when another process rolled up some of the same deltas; the rest is read again. */
function isTaken(error: unknown) {
  if (error instanceof TakenByAnother) return true
  throw error
}

/**
 * Creates exact counters without a hot row. A change is an INSERT into `<entity>_count_deltas`, so
 * concurrent changes never wait for each other. The count is the total in `<entity>_counts` plus the
 * pending deltas, read in one statement. A process that added deltas folds them into the totals 1 s
 * later; deltas that a crash leaves pending still count, and the next roll-up folds them.
 */
export function createCounter<Metric extends string>(
  entity: string,
  metrics: readonly Metric[],
  transaction: Transaction,
  onChange: (tx: Tx, ids: number[]) => void = () => {},
) {
  const totals = sql.identifier(`${entity}_counts`)
  const deltas = sql.identifier(`${entity}_count_deltas`)
  const subject = sql.identifier(`${entity}_id`)
  const columns = metrics.map((metric) => sql.identifier(metric))
  const columnList = sql.join(columns, sql`, `)
  const note = beforeCommit<number[]>((rows) => ({
    sql: `INSERT INTO ${entity}_count_deltas (${entity}_id, ${metrics.join()}) VALUES ?`,
    values: [rows],
  }))
  let timer: NodeJS.Timeout | undefined
  let closed = false

  /** Adds to the counters of each subject at the end of the caller's transaction. */
  async function add(tx: Tx, changes: Map<number, Partial<Record<Metric, number>>>) {
    if (changes.size === 0) return
    note(
      tx,
      [...changes].map(([id, change]) => [id, ...metrics.map((metric) => change[metric] ?? 0)]),
    )
    onChange(tx, [...changes.keys()])
    afterCommit(tx, schedule)
  }

  const row = (id: number, value: (metric: Metric) => number) =>
    sql`(${id}, ${sql.join(
      metrics.map((metric) => sql`${value(metric)}`),
      sql`, `,
    )})`

  /** Returns the count as an expression for a SELECT; qualify `id` with its table. */
  function read(metric: Metric, id: SQL) {
    const column = sql.identifier(metric)
    const total = sql`(SELECT ${column} FROM ${totals} WHERE ${subject} = ${id})`
    const pending = sql`(SELECT SUM(${column}) FROM ${deltas} WHERE ${subject} = ${id})`
    return sql<number>`COALESCE(${total}, 0) + COALESCE(${pending}, 0)`.mapWith(Number)
  }

  /**
   * Returns exact counts of many subjects for the joins of a SELECT; two joins cost less than two
   * subqueries per metric and row.
   */
  function joined(ids: unknown[], id: SQL) {
    const sums = sql.join(
      columns.map((column) => sql`SUM(${column}) AS ${column}`),
      sql`, `,
    )
    const isSubject = (table: SQL) => sql`${table}.${subject} = ${id}`
    return {
      totals: sql`${totals} AS totals`,
      onTotals: isSubject(sql`totals`),
      pending: sql`(SELECT ${subject}, ${sums} FROM ${deltas} WHERE ${subject} IN ${ids} GROUP BY ${subject}) AS pending`,
      onPending: isSubject(sql`pending`),
      read: (metric: Metric) => {
        const column = sql.identifier(metric)
        return sql<number>`COALESCE(totals.${column}, 0) + COALESCE(pending.${column}, 0)`.mapWith(
          Number,
        )
      },
    }
  }

  async function erase(tx: Tx, ids: number[]) {
    if (ids.length === 0) return
    await tx.execute(sql`DELETE FROM ${deltas} WHERE ${subject} IN ${ids}`)
    await tx.execute(sql`DELETE FROM ${totals} WHERE ${subject} IN ${ids}`)
  }

  function schedule() {
    if (closed) return
    timer ??= setTimeout(() => {
      timer = undefined
      rollUp().catch(schedule)
    }, ROLL_UP_DELAY).unref()
  }

  async function rollUp() {
    while (await transaction(rollUpBatch).then(isFull, isTaken));
  }

  async function rollUpBatch(tx: Tx) {
    const [result] = await tx.execute(
      sql`SELECT ${subject} AS subject, id, ${columnList} FROM ${deltas} ORDER BY ${subject}, id LIMIT ${DELTAS_PER_TRANSACTION}`,
    )
    // The driver's type for a raw result is a union; a SELECT gives rows.
    const rows = result as unknown as ({ subject: number; id: number } & Record<Metric, number>)[]
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    const [deleted] = await tx.execute(sql`DELETE FROM ${deltas} WHERE id IN ${ids}`)
    if ((deleted as ResultSetHeader).affectedRows !== rows.length) throw new TakenByAnother()
    const sums = Map.groupBy(rows, (delta) => delta.subject)
    const values = [...sums].map(([id, group]) =>
      row(id, (metric) => group.reduce((sum, delta) => sum + delta[metric], 0)),
    )
    const adding = columns.map((column) => sql`${column} = ${column} + VALUES(${column})`)
    await tx.execute(
      sql`INSERT INTO ${totals} (${subject}, ${columnList}) VALUES ${sql.join(values, sql`, `)} ON DUPLICATE KEY UPDATE ${sql.join(adding, sql`, `)}`,
    )
    return rows.length
  }

  /** Stops rolling up automatically; another process or the next start folds the remaining deltas. */
  function close() {
    closed = true
    clearTimeout(timer)
  }

  return { add, read, joined, erase, rollUp, close }
}
