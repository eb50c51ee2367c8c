import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import getPort from 'get-port'
import { Redis } from 'ioredis'

type Scope = { teardown: (work: () => void) => unknown }

/** A reason to skip the test, or false where redis-server is installed. */
export function redisMissing() {
  try {
    return execFileSync('redis-server', ['--version']).length === 0
  } catch {
    return 'needs redis-server'
  }
}

/** Starts a Redis that answers; killed after the test. */
export async function startRedis(t: Scope, given?: number) {
  const port = given ?? (await getPort({ host: '127.0.0.1' }))
  const url = `redis://127.0.0.1:${port}`
  const child = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  })
  t.teardown(() => child.kill('SIGKILL'))
  const client = new Redis(url, { maxRetriesPerRequest: null })
  client.on('error', () => {})
  await client.ping()
  client.disconnect()
  return { port, url, child, stop: () => stop(child) }
}

async function stop(child: ChildProcess) {
  child.kill('SIGKILL')
  await once(child, 'exit')
}
