import '../local/node-version.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'

// Runs before PM2, which replaces processes by others that do not start, and reports success: starts one
// process of this version on another port until it is ready for traffic. It also applies the migrations. It takes no
// jobs: a version that is not proven must not work on them.

/** Milliseconds until it is ready; migrations may take a while. */
const LIMIT = 300_000
const LINES = 20

const port = await getPort({ host: '127.0.0.1' })
const child = spawn(process.execPath, [join(import.meta.dirname, 'trial.ts')], {
  env: {
    ...process.env,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    // A running process has this port.
    METRICS_PORT: '',
  },
  stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
})
const output: string[] = []
for (const stream of [child.stdout, child.stderr])
  stream?.setEncoding('utf8').on('data', (text) => output.push(text))
let exited = false
const exit = once(child, 'close').then(() => {
  exited = true
})

const isReady = () =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

let ready = false
for (const end = performance.now() + LIMIT; !exited && !ready && performance.now() < end; ) {
  await sleep(250)
  ready = await isReady()
}
child.kill('SIGTERM')
await exit
if (!ready) {
  console.error(output.join('').trim().split('\n').slice(-LINES).join('\n'))
  console.error('\nThis version does not start, so that no running process was replaced.')
  process.exitCode = 1
}
