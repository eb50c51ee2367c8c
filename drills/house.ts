import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import type { createStops } from '../bench/stops.ts'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import { HIGH_LIMITS } from '../test/high-limits.ts'
import { startBalancer } from './balancer.ts'

const SERVER = join(import.meta.dirname, '../server.ts')
const PROCESSES = 2
/** Milliseconds until a process that ended is started again, as PM2 does. */
const RESTART = 100

export type House = Awaited<ReturnType<typeof startHouse>>

const freePort = () => getPort({ host: '127.0.0.1' })

type Options = { most?: number; queue?: number; env?: Record<string, string> }

/** MariaDB, S3, two processes of the service in production, and HAProxy in front of them. */
export async function startHouse(stops: ReturnType<typeof createStops>, options: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-drill-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const database = createDatabase(join(folder, 'mariadb'), await freePort())
  const databaseUrl = await database.start()
  stops.add(database.stop)
  const s3Folder = join(folder, 's3')
  const s3Port = await freePort()
  let s3 = await startS3({ folder: s3Folder, bucket: 'birdhouse', port: s3Port })
  stops.add(() => s3.stop())

  const env = {
    PATH: process.env.PATH,
    ...s3.settings,
    ...HIGH_LIMITS,
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    JWT_SECRETS: randomBytes(32).toString('base64url'),
    TRUST_PROXY: '127.0.0.1',
    HOST: '127.0.0.1',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
    ...options.env,
  }
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, async () => createProcess(env, await freePort())),
  )
  // The first one applies the migrations.
  for (const one of processes) {
    stops.add(one.stop)
    await one.start()
  }
  const port = await freePort()
  const servers = processes.map((one) => one.port)
  const balancer = await startBalancer({ folder, port, servers, ...options })
  stops.add(balancer.stop)
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/readyz`)).ok) await sleep(100)

  return {
    url,
    env,
    folder,
    s3Folder,
    database,
    processes,
    s3: {
      stop: () => s3.stop(),
      start: async () => {
        s3 = await startS3({ folder: s3Folder, bucket: 'birdhouse', port: s3Port })
      },
    },
  }
}

/** A server on one port and folder, which may be killed and started again. */
function createDatabase(folder: string, port: number) {
  mkdirSync(folder, { recursive: true })
  let server: Awaited<ReturnType<typeof startMariadb>> | undefined
  return {
    start: async () => {
      server = await startMariadb({ folder, port })
      return server.url
    },
    stop: async () => server?.stop(),
    kill: () => server?.kill(),
    pause: () => process.kill(server?.pid ?? 0, 'SIGSTOP'),
    resume: () => process.kill(server?.pid ?? 0, 'SIGCONT'),
  }
}

/** A process of the service, which is started again whenever it ends. */
function createProcess(env: NodeJS.ProcessEnv, port: number) {
  let child: ChildProcess | undefined
  let over = false

  async function start() {
    const own = { ...env, PORT: String(port) }
    const started = spawn(process.execPath, [SERVER], {
      cwd: tmpdir(),
      env: own,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child = started
    started.once('exit', async () => {
      if (over) return
      await sleep(RESTART)
      if (!over) await start().catch(() => {})
    })
    await Promise.race([once(started, 'message'), once(started, 'exit')])
  }

  return {
    port,
    start,
    kill: () => child?.kill('SIGKILL'),
    /** Ends when the process that follows a killed one is ready. */
    back: async () => {
      const killed = child
      while (child === killed) await sleep(20)
      const isReady = () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        )
      while (!(await isReady())) await sleep(100)
    },
    stop: () => {
      over = true
      child?.kill('SIGKILL')
    },
    /** After `stop`. */
    restart: () => {
      over = false
      return start()
    },
  }
}
