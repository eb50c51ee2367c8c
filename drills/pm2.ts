import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import type { Stops } from './house.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const FILES = [
  ...[
    'package.json',
    'ecosystem.config.cjs',
    '.env.example',
    'app.ts',
    'birdhouse.ts',
    'server.ts',
  ],
  ...['tracing.ts', 'plugins', 'routes', 'extensions', 'db', 'cli', 'demo', 'local', 'deploy'],
  'tracing',
]

export type Pm2 = ReturnType<typeof createPm2>

/** A copy of the project, whose version can be changed, under a PM2 of its own. */
export function createPm2(stops: Stops) {
  // Short: PM2's sockets are in it.
  const project = mkdtempSync(join(tmpdir(), 'bh-'))
  stops.add(() => rmSync(project, { recursive: true, force: true }))
  for (const file of FILES) cpSync(join(ROOT, file), join(project, file), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'))
  let env: Record<string, string> = {}

  const npm = (script: string) => run('npm', ['run', script], { cwd: project, env })
  const pm2 = (...words: string[]) =>
    run(join(project, 'node_modules/.bin/pm2'), words, {
      cwd: project,
      env: { ...env, PM2_HOME: join(project, '.pm2') },
    })

  return {
    project,
    async start(settings: Record<string, string>) {
      const [port, metrics] = [await freePort(), await freePort()]
      env = {
        ...settings,
        HOME: process.env.HOME ?? '',
        PORT: String(port),
        METRICS_PORT: String(metrics),
      }
      stops.add(() => npm('prod:stop').catch(() => {}))
      await npm('prod')
      const { stdout } = await pm2('jlist')
      const running = JSON.parse(stdout.slice(stdout.indexOf('[')))
      return running.map((_: unknown, n: number) => ({ port, metricsPort: metrics + n }))
    },
    reload: () => npm('prod:reload'),
    /** The process of PM2 itself. */
    daemon: () => Number(readFileSync(join(project, '.pm2/pm2.pid'), 'utf8')),
    pm2,
  }
}
