import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricsOf, startHaproxy } from './balancer.ts'
import { freePort } from './free-port.ts'

/** An account without a password and without rights. */
export const CHECK_USER = 'balancer'

type Options = {
  name: string
  folder: string
  ports: number[]
  /** A statement whose answer contains `healthy` on a server that takes writes. */
  statement: string
  healthy: string
  /** The plugin of authentication of the account. */
  plugin: string
}

/**
 * HAProxy that sends all connections to one server, until that one fails, and stays with its successor. It logs in and asks
 * each server, since a port still accepts connections on a server that has lost its group.
 */
export async function startDatabaseBalancer({
  name,
  folder,
  ports,
  statement,
  healthy,
  plugin,
}: Options) {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const file = join(folder, 'haproxy-database.cfg')
  const servers = ports.map((one, n) => `  server db${n} 127.0.0.1:${one}${n > 0 ? ' backup' : ''}`)
  writeFileSync(
    file,
    `
global
  log stdout format iso local0
defaults
  mode tcp
  log global
  option tcplog
  option log-health-checks
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout check 800ms
  option redispatch
  retries 3
listen ${name}
  bind 127.0.0.1:${port}
  # Remembers the server in use: one that comes back does not take over.
  stick-table type ip size 1 nopurge
  stick on dst
  option tcp-check
  tcp-check connect
  # The greeting: packet 0 of protocol 10.
  tcp-check expect binary 000a
  tcp-check send-binary ${login(CHECK_USER, plugin)}
  # OK.
  tcp-check expect binary 000002
  tcp-check send-binary ${query(statement)}
  tcp-check expect string ${healthy}
  default-server check inter 300ms fall 2 rise 2 on-marked-down shutdown-sessions
${servers.join('\n')}
${metricsOf(metricsPort)}`,
  )
  const { stop } = await startHaproxy(file, port)
  return { port, metricsPort, stop }
}

const packet = (number: number, payload: Buffer) => {
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head[3] = number
  return Buffer.concat([head, payload]).toString('hex')
}

const query = (statement: string) => packet(0, Buffer.from(`\u0003${statement}`))

/** HandshakeResponse41 with an empty password. */
function login(user: string, plugin: string) {
  const [LONG_PASSWORD, PROTOCOL_41, SECURE, PLUGIN] = [0x1, 0x200, 0x8000, 0x80000]
  const head = Buffer.alloc(32)
  head.writeUInt32LE(LONG_PASSWORD | PROTOCOL_41 | SECURE | PLUGIN, 0)
  head.writeUInt32LE(0x100_0000, 4)
  head[8] = 45
  return packet(
    1,
    Buffer.concat([head, Buffer.from(`${user}\0`), Buffer.from([0]), Buffer.from(`${plugin}\0`)]),
  )
}
