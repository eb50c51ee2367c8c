import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { createStops } from '../bench/stops.ts'
import { freePort } from './free-port.ts'
import { logFile } from './logs.ts'

const SERVER = join(import.meta.dirname, '../server.ts')
const PROCESSES = 2
/** Milliseconds until a process that ended is started again, as PM2 does. */
const RESTART = 100

/** Starts processes of the service one after the other: the first one applies the migrations. */
export async function startProcesses(
  env: NodeJS.ProcessEnv,
  stops: ReturnType<typeof createStops>,
) {
  const processes: ReturnType<typeof createProcess>[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const one = createProcess(env, await freePort(), await freePort())
    processes.push(one)
    stops.add(one.stop)
    if (!(await one.start())) throw new Error('A process of the service does not start.')
  }
  return processes
}

/** A process of the service, which is started again whenever it ends. */
function createProcess(env: NodeJS.ProcessEnv, port: number, metricsPort: number) {
  let child: ChildProcess | undefined
  let over = false
  const log = logFile(`service-${port}`)

  async function start(): Promise<boolean> {
    const started = spawn(process.execPath, [SERVER], {
      cwd: tmpdir(),
      env: { ...env, PORT: String(port), METRICS_PORT: String(metricsPort) },
      stdio: ['ignore', log, 'inherit', 'ipc'],
    })
    child = started
    started.once('exit', async () => {
      if (over) return
      await sleep(RESTART)
      if (!over) await start().catch(() => {})
    })
    const ready = once(started, 'message').then(() => true)
    return Promise.race([ready, once(started, 'exit').then(() => false)])
  }

  return {
    port,
    metricsPort,
    start,
    kill: () => child?.kill('SIGKILL'),
    /** Ends when the process that follows a killed one is ready. */
    back: async () => {
      const killed = child
      while (child === killed) await sleep(20)
      await untilReady(`http://127.0.0.1:${port}`)
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

export async function untilReady(url: string) {
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) await sleep(100)
}
