import { Readable } from 'node:stream'
import { createConnection, type ResultSetHeader } from 'mysql2/promise'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { createEntries } from './entries.ts'
import { createGraph } from './graph.ts'
import { createHistory } from './history.ts'
import { createTables, type Table } from './rows.ts'
import type { Sizes } from './sizes.ts'

/** Connections that load at once: the number of cores of the machine this was tuned on. */
const LOADERS = 2
/** Characters per write to the stream. */
const CHUNK = 256 * 1024

/** Into empty tables and without checks, InnoDB builds its indexes from sorted rows. */
const BULK = 'SET SESSION unique_checks = 0, foreign_key_checks = 0'

/** Fills the tables of a migrated database; the same sizes give the same rows. */
export async function load(url: string, sizes: Sizes, onRows: (count: number) => void) {
  const graph = createGraph(sizes)
  const history = createHistory(sizes, graph)
  const entries = createEntries(sizes, graph, history)
  const waiting = createTables({ sizes, graph, history, entries })
  const worker = async () => {
    for (let table = waiting.shift(); table; table = waiting.shift()) {
      await loadTable(url, table, onRows)
    }
  }
  await Promise.all(Array.from({ length: LOADERS }, worker))
}

async function loadTable(url: string, table: Table, onRows: (count: number) => void) {
  const connection = await createConnection(connectionOptions({ DATABASE_URL: url }))
  try {
    await connection.query(BULK)
    await connection.query<ResultSetHeader>({
      sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${table.name} CHARACTER SET utf8mb4 (${table.columns})`,
      infileStreamFactory: () => Readable.from(chunks(table.rows(), onRows)),
    })
    await connection.query(`ANALYZE TABLE ${table.name}`)
  } finally {
    await connection.end()
  }
}

function* chunks(rows: Iterable<string>, onRows: (count: number) => void) {
  let chunk = ''
  let count = 0
  for (const row of rows) {
    chunk += row
    count++
    if (chunk.length < CHUNK) continue
    yield Buffer.from(chunk)
    onRows(count)
    chunk = ''
    count = 0
  }
  // An empty packet tells the server that the data have ended.
  if (chunk !== '') yield Buffer.from(chunk)
  onRows(count)
}
