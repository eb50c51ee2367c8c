import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import type { Progress } from '../db/migrate.ts'
import { startS3 } from '../local/s3.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { copyForRun } from './data/cache.ts'
import { ensureData, HISTORIES, openData } from './data/index.ts'
import { idsOf, sizesAt } from './data/sizes.ts'
import { type Process, SERVICE, start, stopAll } from './processes/ask.ts'
import type { Figures, Load } from './processes/client.ts'

export type Bench = Awaited<ReturnType<typeof setUp>>['bench']
export type Server = Process & { port: number }

/** Milliseconds that the background work of a round may take. */
const PATIENCE = 120_000

/** Everything that the lines need: the data in their own server, both services, the client. */
export async function setUp(scale: number, progress: Progress) {
  const copy = copyForRun(await ensureData(scale, progress))
  const data = await openData(copy.folder)
  const s3 = await startS3({ bucket: 'birdhouse' })
  const sizes = sizesAt(scale)
  const pool = createPool(connectionOptions({ DATABASE_URL: data.url }))
  const [flushed] = await rows<{ value: number }>(
    pool,
    'SELECT @@innodb_flush_log_at_trx_commit AS value',
  )
  if (flushed?.value !== 1)
    throw new Error('Set innodb_flush_log_at_trx_commit to 1: the bench measures durable commits.')
  for (const tweets of [undefined, ...HISTORIES]) await freshen(pool, tweets)

  const scaled = { FANOUT_LIMIT: String(sizes.fanOutLimit) }

  /** The service on all data, or on a shorter history. */
  const birdhouse = (tweets?: number) =>
    listening(
      'birdhouse.ts',
      { ...SERVICE.env, ...s3.settings, ...scaled, DATABASE_URL: data.urlOf(tweets) },
      SERVICE.args,
    )

  const [service, bare, client] = await Promise.all([
    birdhouse(),
    listening('bare.ts', { DATABASE_URL: data.url }),
    start('client.ts'),
  ])

  await passOver(pool)

  const tokensOf = async (server: Process, users: number[]) =>
    (await server.ask<{ tokens: string[] }>({ tokens: users })).tokens

  const bench = {
    sizes,
    ids: idsOf(sizes),
    pool,
    service,
    bare,
    birdhouse,
    progress,
    send: (load: Load) => client.ask<Figures>(load),
    tokens: (users: number[], server: Process = service) => tokensOf(server, users),
    settle: () => settle(pool, service),
  }

  let ending: Promise<void> | undefined
  /** May be called several times, for example by a signal. */
  const tearDown = () => {
    ending ??= end()
    return ending
  }

  async function end() {
    await stopAll()
    await pool.end()
    await s3.stop()
    await data.stop()
    copy.remove()
  }
  return { bench, tearDown }
}

async function listening(
  file: string,
  env: NodeJS.ProcessEnv,
  nodeArgs: string[] = [],
): Promise<Server> {
  const server = start(file, env, nodeArgs)
  return { ...server, ...(await server.ask<{ port: number }>({ listen: true })) }
}

/** The rows of a SELECT; the caller states their type. */
export async function rows<Row>(pool: Pool, sql: string, values: (number | string)[] = []) {
  const [result] = await pool.query<RowDataPacket[]>(sql, values)
  return result as Row[]
}

/** Marks all readers as active, because the data may have been loaded weeks ago. */
const freshen = (pool: Pool, tweets: number | undefined) =>
  pool.query<ResultSetHeader>(
    `UPDATE ${tweets ? `history_${tweets}.` : ''}timeline_states SET seen_at = UTC_TIMESTAMP(3)`,
  )

/** Waits for jobs and roll-ups of the last measurement, so that the next one runs alone. */
async function settle(pool: Pool, service: Process) {
  const limit = performance.now() + PATIENCE
  while (await isAtWork(pool)) {
    if (performance.now() > limit) throw new Error('Jobs are still due after two minutes.')
    await sleep(50)
  }
  // The rest belongs to the bare service and is never run; see bench/lines/capture.ts for its jobs.
  await pool.query('DELETE FROM jobs WHERE run_at > UTC_TIMESTAMP(3) + INTERVAL 300 DAY')
  await pool.query('UPDATE tweets SET undelivered = NULL WHERE undelivered = 1')
  await service.ask({ rollUp: true })
}

async function isAtWork(pool: Pool) {
  const soon = 'run_at < UTC_TIMESTAMP(3) + INTERVAL 10 MINUTE'
  const jobs = `SELECT 1 FROM jobs WHERE unique_key IS NULL AND dead_at IS NULL AND ${soon} LIMIT 1`
  return (await rows(pool, jobs)).length > 0
}

/** Skips the search for hashtags, of which the data have none: it would disturb the measurement. */
const passOver = (pool: Pool) =>
  pool.query(
    `INSERT INTO hashtags_walks (name, position) SELECT 'catch-up', MAX(id) FROM tweets
     ON DUPLICATE KEY UPDATE position = VALUES(position)`,
  )
