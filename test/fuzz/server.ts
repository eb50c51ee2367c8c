import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import getPort from 'get-port'
import type { Env } from '../../plugins/config/index.ts'

const SERVER = join(import.meta.dirname, '../../server.ts')

export type Server = Awaited<ReturnType<typeof startServer>>

/** The whole service as a process of its own, as in production; it logs errors alone. */
export async function startServer(settings: Env) {
  const port = await getPort({ host: '127.0.0.1' })
  const { PATH, HOME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  const child = spawn(process.execPath, [SERVER], {
    // Away from a developer's own .env.
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...{ PATH, HOME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, DEMO_DATA: 'false' },
      ...settings,
      ...{ LOG_LEVEL: 'error', HOST: '127.0.0.1', PORT: String(port) },
    },
  })
  process.once('exit', () => child.kill())
  const errors: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    errors.push(...text.split('\n').filter((line) => line.includes('"level":50')))
  })
  const exited = once(child, 'close')
  const started = await Promise.race([once(child, 'message'), exited.then(() => undefined)])
  if (!started) throw new Error('The service did not start.')

  return {
    port,
    /** The lines of its log. */
    errors,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    /** Resident memory in MB. */
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
