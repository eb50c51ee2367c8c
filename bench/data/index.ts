import cliProgress from 'cli-progress'
import { createConnection } from 'mysql2/promise'
import { migrate, type Progress } from '../../db/migrate.ts'
import { startMariadb } from '../../local/mariadb.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { keptData } from './cache.ts'
import { load } from './load.ts'
import { type Sizes, sizesAt } from './sizes.ts'

/** Other numbers of tweets by the same people, with the timelines of the first thousand only. */
export const HISTORIES = [20_000, 200_000]
const READERS = 1_000

/** Bytes. Holds all data, as a dedicated server should. */
const BUFFER_POOL = 3 * 1024 ** 3
/** Bytes of the redo log: with the default of 96 MiB a bulk load waits for checkpoints. */
const REDO_LOG = 1024 ** 3

/** Rows of all tables per unit of each kind, for the progress bar. */
const ROWS_PER_TWEET = 10.9

const databaseOf = (tweets: number) => `history_${tweets}`

/** The folder with the data of this scale; loads the data if they are missing. */
export async function ensureData(scale: number, progress: Progress) {
  const kept = keptData(scale)
  if (!kept.exists) {
    const start = performance.now()
    await kept.make((folder) => fill(folder, scale, progress))
    progress(`loaded in ${((performance.now() - start) / 1000).toFixed(0)} s`)
  }
  return kept.folder
}

async function fill(folder: string, scale: number, progress: Progress) {
  const mariadb = await startMariadb({
    folder,
    progress,
    volatile: true,
    everyDatabase: true,
    serverOptions: ['--local-infile=1'],
  })
  try {
    await enlarge(mariadb.url)
    await loadInto(mariadb.url, sizesAt(scale))
    for (const tweets of HISTORIES) {
      const url = await createDatabase(mariadb.url, databaseOf(tweets))
      await loadInto(url, sizesAt(scale, tweets, READERS))
    }
    await writeDown(mariadb.url)
  } finally {
    await mariadb.stop()
  }
}

/** Starts a server on the folder, as durable as in production. */
export async function openData(folder: string) {
  const mariadb = await startMariadb({ folder, everyDatabase: true })
  await enlarge(mariadb.url)
  const urlOf = (tweets?: number) =>
    tweets ? mariadb.url.replace(/[^/]+$/, databaseOf(tweets)) : mariadb.url
  return { ...mariadb, urlOf }
}

async function run(url: string, ...statements: string[]) {
  const connection = await createConnection(connectionOptions({ DATABASE_URL: url }))
  for (const statement of statements) await connection.query(statement)
  await connection.end()
}

const enlarge = (url: string) =>
  run(
    url,
    `SET GLOBAL innodb_buffer_pool_size = ${BUFFER_POOL}`,
    `SET GLOBAL innodb_log_file_size = ${REDO_LOG}`,
  )

/** Flushes all pages, so that a stop takes seconds and a run starts without pending work. */
const writeDown = (url: string) => run(url, 'FLUSH TABLES', 'SET GLOBAL innodb_fast_shutdown = 1')

async function createDatabase(url: string, name: string) {
  await run(url, `CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  return url.replace(/[^/]+$/, name)
}

async function loadInto(url: string, sizes: Sizes) {
  await migrate(connectionOptions({ DATABASE_URL: url }))
  const name = `${sizes.tweets.toLocaleString('en')} tweets`
  const format = `${name.padEnd(17)} {bar} {percentage}% | {value} rows, {duration_formatted}`
  const bar = new cliProgress.SingleBar({ format, noTTYOutput: true, notTTYSchedule: 5_000 })
  bar.start(Math.round(sizes.tweets * ROWS_PER_TWEET), 0)
  let rows = 0
  await load(url, sizes, (count) => {
    rows += count
    bar.update(rows)
  })
  bar.setTotal(rows)
  bar.stop()
}
