import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricsOf, startHaproxy } from './balancer.ts'
import { freePort } from './free-port.ts'

/** The account of the checks, without a password. */
export const CHECK_USER = 'balancer'

const CONFIGS = join(import.meta.dirname, '../deploy/haproxy')

/** HAProxy as the file of deploy/haproxy describes it, with servers on these ports of the loopback address. */
export async function startDatabaseBalancer(folder: string, config: string, ports: number[]) {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const file = join(folder, 'haproxy-database.cfg')
  const servers = ports.map((one, n) => `  server db${n} 127.0.0.1:${one}${n > 0 ? ' backup' : ''}`)
  const text = readFileSync(join(CONFIGS, config), 'utf8')
    .replace('log /dev/log local0', 'log stdout format iso local0')
    .replace('option tcplog', 'option tcplog\n  option log-health-checks')
    .replace(/bind .*/, `bind 127.0.0.1:${port}`)
    .replace(/ {2}server db0 [\s\S]*/, servers.join('\n'))
  writeFileSync(file, `${text}\n${metricsOf(metricsPort)}`)
  const { stop } = await startHaproxy(file, port)
  return { port, metricsPort, stop }
}
