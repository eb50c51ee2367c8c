import { join, resolve } from 'node:path'
import { createPool } from 'mysql2/promise'
import type { Progress } from '../db/migrate.ts'
import { startS3 } from '../local/s3.ts'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { copyForRun } from './data/cache.ts'
import { ensureData, HISTORIES, openData } from './data/index.ts'
import { idsOf, sizesAt } from './data/sizes.ts'
import { freshen, passOver, rows, settle } from './database.ts'
import { type Process, SERVICE, start, stopAll } from './processes/ask.ts'
import type { Figures, Load } from './processes/client.ts'

export type Bench = Awaited<ReturnType<typeof setUp>>['bench']
export type Server = Process & { port: number }
/** `quick` shortens measurements; `against` is the folder of another checkout with its own service. */
export type Options = { scale: number; quick?: boolean; against?: string | undefined }

/** Seconds of a quick measurement. */
const QUICK = 1

/** Everything that the lines need: the data in their own server, both services, the client. */
export async function setUp({ scale, quick = false, against }: Options, progress: Progress) {
  const kept = await ensureData(scale, progress)
  const copy = copyForRun(kept)
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
  for (const tweets of [undefined, ...HISTORIES]) await freshen(pool, data.urlOf(tweets))

  const scaled = { FANOUT_LIMIT: String(sizes.fanOutLimit) }
  const [bare, client] = await Promise.all([
    listening('bare.ts', { DATABASE_URL: data.url }),
    start('client.ts'),
  ])

  const tokensOf = async (server: Process, users: number[]) =>
    (await server.ask<{ tokens: string[] }>({ tokens: users })).tokens

  /** The bench with the service of this checkout or of another. */
  async function benchOf(checkout?: string) {
    const file = checkout ? join(resolve(checkout), 'bench/processes/birdhouse.ts') : 'birdhouse.ts'
    const limits = { ...scaled, ...HIGH_LIMITS }
    const env = { ...SERVICE.env, ...s3.settings, ...limits, DATABASE_URL: data.url }
    const birdhouse = (url = data.url) =>
      listening(file, { ...env, DATABASE_URL: url }, SERVICE.args)
    const service = await birdhouse()
    return {
      sizes,
      ids: idsOf(sizes),
      pool,
      /** Where the data are kept between runs. */
      kept,
      quick,
      /** Seconds of a measurement that takes this long when it is not quick. */
      seconds: (full: number) => (quick ? Math.min(full, QUICK) : full),
      urlOf: data.urlOf,
      databasePid: data.pid,
      /** The settings of a process of the service on all data. */
      env,
      service,
      bare,
      /** Starts another process of the service, on all data or on those of a URL. */
      birdhouse,
      progress,
      send: (load: Load) => client.ask<Figures>(load),
      tokens: (users: number[], server: Process = service) => tokensOf(server, users),
      settle: () => settle(pool, service),
    }
  }

  const bench = await benchOf()
  const other = against === undefined ? undefined : await benchOf(against)
  await passOver(pool)

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
  return { bench, other, tearDown }
}

async function listening(
  file: string,
  env: NodeJS.ProcessEnv,
  nodeArgs: string[] = [],
): Promise<Server> {
  const server = start(file, env, nodeArgs)
  return { ...server, ...(await server.ask<{ port: number }>({ listen: true })) }
}
