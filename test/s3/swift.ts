import '../../local/node-version.ts'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'

// Runs a command with an OpenStack Swift beside it, a second implementation of S3, from Debian's
// packages, on loopback and in a temporary folder: `node test/s3/swift.ts npm run test:s3`. The
// command finds it in S3_ENDPOINT, S3_REGION and AWS_*. See the README beside this file.

const PACKAGES = 'swift-proxy swift-account swift-container swift-object memcached'
const SERVERS = ['account', 'container', 'object'] as const
const REGION = 'us-east-1'
/** The account and user of `tempauth`, and what it has for a password. */
const KEYS = { AWS_ACCESS_KEY_ID: 'birdhouse:tests', AWS_SECRET_ACCESS_KEY: 'not-a-secret' }
/** Milliseconds. */
const PATIENCE = 20_000

const settings = (folder: string, port: number, app: string) => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${join(folder, 'devices')}
mount_check = false
log_level = WARNING

[pipeline:main]
pipeline = ${app === 'proxy' ? 'catch_errors cache s3api tempauth slo' : ''} ${app}-server

[app:${app}-server]
use = egg:swift#${app}
${app === 'proxy' ? 'account_autocreate = true' : ''}
`

const filters = (memcached: number) => `
[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}

[filter:s3api]
use = egg:swift#s3api
location = ${REGION}

[filter:tempauth]
use = egg:swift#tempauth
user_${KEYS.AWS_ACCESS_KEY_ID.replace(':', '_')} = ${KEYS.AWS_SECRET_ACCESS_KEY} .admin

[filter:slo]
use = egg:swift#slo
`

/** One device, one copy of everything. */
function makeRing(folder: string, server: string, port: number) {
  const builder = join(folder, `${server}.builder`)
  const ring = (...args: string[]) => execFileSync('swift-ring-builder', [builder, ...args])
  ring('create', '4', '1', '0')
  ring('add', `r1z1-127.0.0.1:${port}/disk`, '1')
  // Its exit code 1 is a warning: one zone is not safe.
  try {
    ring('rebalance')
  } catch {
    if (!existsSync(join(folder, `${server}.ring.gz`))) throw new Error(`no ring for ${server}`)
  }
}

/** Starts a server whose output goes to a file in the folder. */
function launch(folder: string, command: string, ...args: string[]) {
  const output = openSync(join(folder, `${command}.log`), 'w')
  return spawn(command, args, { stdio: ['ignore', output, output] })
}

async function answering(port: number, log: string) {
  for (let waits = 0; waits < PATIENCE / 100; waits++) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await sleep(100)
  }
  throw new Error(`no answer on port ${port} after ${PATIENCE / 1000} s:\n${readFileSync(log)}`)
}

async function start(folder: string, children: ChildProcess[]) {
  mkdirSync(join(folder, 'devices/disk'), { recursive: true })
  const memcached = await getPort({ host: '127.0.0.1' })
  const user = ['-u', userInfo().username]
  children.push(launch(folder, 'memcached', '-l', '127.0.0.1', '-p', String(memcached), ...user))
  let port = 0
  for (const server of [...SERVERS, 'proxy']) {
    port = await getPort({ host: '127.0.0.1' })
    if (server !== 'proxy') makeRing(folder, server, port)
    const file = join(folder, `${server}.conf`)
    const more = server === 'proxy' ? filters(memcached) : ''
    writeFileSync(file, settings(folder, port, server) + more)
    children.push(launch(folder, `swift-${server}-server`, file, '--verbose'))
    await answering(port, join(folder, `swift-${server}-server.log`))
  }
  return `http://127.0.0.1:${port}`
}

try {
  execFileSync('which', ['swift-proxy-server', 'memcached'])
} catch {
  console.error(`Swift is not here; on Debian: apt-get install --no-install-recommends ${PACKAGES}`)
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'birdhouse-swift-'))
const children: ChildProcess[] = []
let command: ChildProcess | undefined

const ended = async (child: ChildProcess) =>
  child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))[0]

async function stop() {
  if (command) await ended(command)
  for (const child of children) child.kill()
  await Promise.all(children.map(ended))
  rmSync(folder, { recursive: true, force: true })
}

// A Ctrl-C has come to the command as well, which may have to clear up first.
process.once('SIGINT', () => stop().finally(() => process.exit(130)))
process.once('SIGTERM', () => {
  command?.kill()
  stop().finally(() => process.exit(143))
})

try {
  const endpoint = await start(folder, children)
  console.log(endpoint)
  const [file = 'true', ...args] = process.argv.slice(2)
  const env = { ...process.env, ...KEYS, S3_ENDPOINT: endpoint, S3_REGION: REGION }
  command = spawn(file, args, { stdio: 'inherit', env })
  const code = await ended(command)
  process.exitCode = typeof code === 'number' ? code : 1
} finally {
  await stop()
}
