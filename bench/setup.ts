import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import type { Progress } from '../db/migrate.ts'
import { startS3 } from '../local/s3.ts'
import { copyForRun } from './data/cache.ts'
import { ensureData, HISTORIES, openData } from './data/index.ts'
import { idsOf, sizesAt } from './data/sizes.ts'
import { type Process, start, stopAll } from './processes/ask.ts'
import type { Figures, Load } from './processes/client.ts'

export type Bench = Awaited<ReturnType<typeof setUp>>['bench']
export type Server = Process & { port: number }

/** Milliseconds until what a round has left to do in the background must be done. */
const PATIENCE = 120_000

/** Everything that lines need: the data in a server of its own, both services, the client. */
export async function setUp(scale: number, progress: Progress) {
  const copy = copyForRun(await ensureData(scale, progress))
  const data = await openData(copy.folder)
  const s3 = await startS3({ bucket: 'birdhouse' })
  const sizes = sizesAt(scale)
  const pool = createPool({ uri: data.url, timezone: 'Z' })
  const [flushed] = await rows<{ value: number }>(
    pool,
    'SELECT @@innodb_flush_log_at_trx_commit AS value',
  )
  if (flushed?.value !== 1) throw new Error('Durability is not for sale.')
  for (const tweets of [undefined, ...HISTORIES]) await freshen(pool, tweets)

  /** The service on the data, or on a shorter history. */
  const birdhouse = (tweets?: number, env: NodeJS.ProcessEnv = {}) =>
    listening('birdhouse.ts', { ...s3.settings, DATABASE_URL: data.urlOf(tweets), ...env })

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

  async function tearDown() {
    await stopAll()
    await pool.end()
    await s3.stop()
    await data.stop()
    copy.remove()
  }
  return { bench, tearDown }
}

async function listening(file: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const server = start(file, env)
  return { ...server, ...(await server.ask<{ port: number }>({ listen: true })) }
}

/** The rows of a SELECT, of the type that whoever asks knows them to have. */
export async function rows<Row>(pool: Pool, sql: string, values: (number | string)[] = []) {
  const [result] = await pool.query<RowDataPacket[]>(sql, values)
  return result as Row[]
}

/** Readers count as active: the data may have been loaded weeks ago. */
const freshen = (pool: Pool, tweets: number | undefined) =>
  pool.query<ResultSetHeader>(
    `UPDATE ${tweets ? `history_${tweets}.` : ''}timeline_states SET seen_at = UTC_TIMESTAMP(3)`,
  )

/** Waits until jobs and roll-ups of what was measured are through, so that the next is alone. */
async function settle(pool: Pool, service: Process) {
  await service.ask({ rollUp: true })
  const limit = performance.now() + PATIENCE
  while (performance.now() < limit) {
    const [left] = await rows<{ n: number }>(
      pool,
      `SELECT (SELECT COUNT(*) FROM jobs WHERE unique_key IS NULL AND dead_at IS NULL
         AND run_at < UTC_TIMESTAMP(3) + INTERVAL 10 MINUTE)
       + (SELECT COUNT(*) FROM tweet_count_deltas) + (SELECT COUNT(*) FROM user_count_deltas) AS n`,
    )
    if (left?.n === 0) return
    await sleep(50)
  }
  throw new Error('Jobs or roll-ups are not through after two minutes.')
}

/** There are no hashtags in the data; looking for them would take turns with what is measured. */
const passOver = (pool: Pool) =>
  pool.query(
    `INSERT INTO hashtags_walks (name, position) SELECT 'catch-up', MAX(id) FROM tweets
     ON DUPLICATE KEY UPDATE position = VALUES(position)`,
  )
