import { fillPlaceholders, type Query } from 'drizzle-orm'
import type { Pool } from 'mysql2/promise'

/**
 * Makes the SQL of a hot read once and runs it as a prepared statement of the server, where
 * Drizzle's own would send the text each time. `sql.placeholder(name)` marks what differs; the rows
 * come as arrays, in the order of the selection.
 */
export function prepare(pool: Pool, query: { toSQL: () => Query }) {
  const { sql, params } = query.toSQL()
  return async (values: Record<string, number>) => {
    // The driver sends numbers as DOUBLE, which LIMIT refuses; the server reads text as integers.
    const texts = fillPlaceholders(params, values).map(String)
    const [rows] = await pool.execute({ sql, rowsAsArray: true }, texts)
    // A SELECT gives rows; the driver's type covers every kind of statement.
    return rows as unknown[][]
  }
}
