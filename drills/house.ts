import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { createStops } from '../bench/stops.ts'
import { startS3 } from '../local/s3.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { startBalancer } from './balancer.ts'
import { createDatabase, type ServerOptions } from './database.ts'
import { freePort } from './free-port.ts'
import { logLevel } from './logs.ts'
import { startProcesses, untilReady } from './processes.ts'

export type House = Awaited<ReturnType<typeof startHouse>>
export type Stops = ReturnType<typeof createStops>

/** Where processes of the service listen, and where they show their metrics. */
type Service = { port: number; metricsPort: number }[]

export type Options = ServerOptions & {
  /** HAProxy has the configuration of deploy/ in the place of the one in balancer.ts. */
  shippedBalancer?: boolean
  env?: Record<string, string>
  /** A database of the drill's own instead of a MariaDB. */
  databaseUrl?: string
  /** Ports with the metrics of HAProxy in front of that database. */
  balancerMetrics?: number[]
  /** The folder of the MariaDB. */
  databaseFolder?: string
  /** Returns another way to the store of pictures at this address. */
  s3Through?: (endpoint: string) => Promise<string>
  /** Starts the service in another way than as two child processes. */
  startService?: (env: Record<string, string>) => Promise<Service>
}

/** MariaDB, S3, two processes of the service in production, and HAProxy in front of them. */
export async function startHouse(stops: Stops, options: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-drill-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const database = createDatabase(
    options.databaseFolder ?? join(folder, 'mariadb'),
    await freePort(),
    options,
  )
  const databaseUrl = options.databaseUrl ?? (await database.start())
  stops.add(database.stop)
  const s3Folder = join(folder, 's3')
  const s3Port = await freePort()
  let s3 = await startS3({ folder: s3Folder, bucket: 'birdhouse', port: s3Port })
  stops.add(() => s3.stop())

  const endpoint = s3.settings.S3_ENDPOINT
  const env = {
    PATH: process.env.PATH ?? '',
    ...s3.settings,
    S3_ENDPOINT: (await options.s3Through?.(endpoint)) ?? endpoint,
    ...HIGH_LIMITS,
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    JWT_SECRETS: randomBytes(32).toString('base64url'),
    TRUST_PROXY: '127.0.0.1',
    HOST: '127.0.0.1',
    LOG_LEVEL: process.env.LOG_LEVEL ?? logLevel(),
    ...options.env,
  }
  const processes = options.startService ? [] : await startProcesses(env, stops)
  const service: Service = (await options.startService?.(env)) ?? processes
  const [port, metricsPort] = [await freePort(), await freePort()]
  const servers = [...new Set(service.map((one) => one.port))]
  const balancer = await startBalancer({ folder, port, metricsPort, servers, ...options })
  stops.add(balancer.stop)
  const url = `http://127.0.0.1:${port}`
  await untilReady(url)

  return {
    url,
    env,
    folder,
    s3Folder,
    database,
    processes,
    balancer,
    metricsPorts: {
      service: service.map((one) => one.metricsPort),
      balancers: [metricsPort, ...(options.balancerMetrics ?? [])],
    },
    s3: {
      stop: () => s3.stop(),
      start: async () => {
        s3 = await startS3({ folder: s3Folder, bucket: 'birdhouse', port: s3Port })
      },
    },
  }
}
