import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { logFile } from './logs.ts'
import { shippedConfig } from './shipped-balancer.ts'

type Options = {
  folder: string
  port: number
  /** The port of HAProxy's own metrics. */
  metricsPort: number
  servers: number[]
  shippedBalancer?: boolean
}

/** HAProxy as docs/drills.md describes it. */
const config = ({ port, metricsPort, servers }: Options) => `
global
  maxconn 8000
  log stdout format iso local0
defaults
  mode http
  log global
  option httplog
  timeout connect 1s
  timeout client 75s
  timeout server 75s
  timeout queue 5s
  # On a busy machine a healthy server may take a second; a dead one refuses at once.
  timeout check 5s
  # A request that no server has received may go to another one.
  retries 3
  retry-on conn-failure
  option redispatch 1
listen birdhouse
  bind 127.0.0.1:${port}
  option httpchk GET /readyz
  default-server check inter 500ms fall 2 rise 1 maxconn 1000 on-marked-down shutdown-sessions
${servers.map((server, n) => `  server api${n} 127.0.0.1:${server}`).join('\n')}
${metricsOf(metricsPort)}`

/** HAProxy's own metrics for Prometheus. */
export const metricsOf = (port: number) => `
frontend metrics
  mode http
  bind 127.0.0.1:${port}
  timeout client 10s
  http-request use-service prometheus-exporter
`

/** @throws Error when HAProxy is not installed or refuses the configuration */
export async function startBalancer(options: Options) {
  const file = join(options.folder, 'haproxy.cfg')
  const text = options.shippedBalancer
    ? shippedConfig(options) + metricsOf(options.metricsPort)
    : config(options)
  writeFileSync(file, text)
  let haproxy = await startHaproxy(file, options.port)
  return {
    stop: () => haproxy.stop(),
    start: async () => {
      haproxy = await startHaproxy(file, options.port)
    },
  }
}

/** @param port one that it listens on */
export async function startHaproxy(file: string, port: number) {
  const child = spawn('haproxy', ['-db', '-f', file], {
    stdio: ['ignore', logFile(basename(file, '.cfg')), 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors += text
  })
  const exited = once(child, 'exit').then(() => {
    throw new Error(`HAProxy ended; install it with apt-get install haproxy. ${errors}`)
  })
  exited.catch(() => {})
  await Promise.race([answers(port), exited])
  return { stop: () => child.kill('SIGKILL') }
}

async function answers(port: number) {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await sleep(50)
  }
}
