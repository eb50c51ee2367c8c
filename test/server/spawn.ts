import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import getPort from 'get-port'
import type { Test } from 'tap'
import type { Env } from '../../plugins/config/index.ts'
import { CHILD_ENV } from '../child-env.ts'

const SERVER = join(import.meta.dirname, '../../server.ts')

export function temporaryFolder(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-server-'))
  t.teardown(async () => {
    // Whatever a failed test leaves running in the folder goes with it.
    for (const pid of runningIn(folder)) process.kill(pid, 'SIGKILL')
    while (runningIn(folder).length > 0) await sleep(20)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Ids of the processes that name this folder in their command line. */
export const runningIn = (folder: string) =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder))
    .map((line) => Number.parseInt(line, 10))

export type Server = Awaited<ReturnType<typeof spawnServer>>

/** `node server.ts` in a process group of its own, as a terminal would run it; without demo data. */
export async function spawnServer(t: Test, settings: Env, server = SERVER) {
  const given = settings.PORT === '0' ? undefined : settings.PORT
  const port = given ?? String(await getPort({ host: '127.0.0.1' }))
  const child = spawn(process.execPath, [server], {
    // Away from a developer's own .env.
    cwd: tmpdir(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...CHILD_ENV,
      DEMO_DATA: 'false',
      LOG_LEVEL: 'silent',
      HOST: '127.0.0.1',
      ...settings,
      PORT: port,
    },
  })
  let [output, errors] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  const begin = performance.now()
  const exited = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    output,
    errors,
  }))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    port: Number(port),
    url: `http://127.0.0.1:${port}`,
    exited,
    output: () => output,
    /** Milliseconds from the spawn until it takes requests. @throws Error when it doesn't start */
    ready: () => ready(child, exited).then(() => Math.round(performance.now() - begin)),
    /** Does what Ctrl-C in a terminal does. */
    interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
  }
}

async function ready(child: ChildProcess, exited: Promise<{ errors: string }>) {
  const failed = exited.then(({ errors }) => Promise.reject(new Error(errors)))
  await Promise.race([once(child, 'message'), failed])
}
