import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const FILE = resolve(import.meta.dirname, '../deploy/haproxy/haproxy.cfg')

/** deploy/haproxy/haproxy.cfg without HTTPS, with a server for each process in the place of one for the machine. */
export function shippedConfig({ port, servers }: { port: number; servers: number[] }) {
  const each = (rest: (n: number) => string) =>
    servers.map((server, n) => `  server process${n} 127.0.0.1:${server} ${rest(n)}`).join('\n')
  const replacements = {
    '  log /dev/log local0': '',
    '  user haproxy': '',
    '  group haproxy': '',
    '  bind :80': `  bind 127.0.0.1:${port}`,
    '  bind :443 ssl crt /etc/haproxy/birdhouse.pem alpn h2,http/1.1': '',
    '  http-request redirect scheme https code 308 unless { ssl_fc }': '',
    '  server machine1 127.0.0.1:3000 maxconn 16': each(() => 'maxconn 8'),
    '  server machine1 127.0.0.1:3000 track birdhouse/machine1': each(
      (n) => `track birdhouse/process${n}`,
    ),
  }
  let config = readFileSync(FILE, 'utf8')
  for (const [line, replacement] of Object.entries(replacements)) {
    if (!config.includes(`${line}\n`)) throw new Error(`${FILE} has no line "${line}".`)
    config = config.replace(`${line}\n`, `${replacement}\n`)
  }
  return config
}
