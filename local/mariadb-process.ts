import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Error code: another process uses the port. */
export const PORT_TAKEN = 'PORT_TAKEN'
/** Milliseconds; flushing all pages may take a while. */
const STOP_TIMEOUT = 15_000

/**
 * Runs a program in a process group of its own, so that a Ctrl-C in the terminal reaches only the
 * service, which then stops the program. When this process ends, except by SIGKILL, the group gets `signal`.
 */
export function background(
  program: string,
  args: string[],
  logFile: string,
  signal: NodeJS.Signals,
  cwd = '.',
  owner: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } = {},
) {
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(program, args, { cwd, stdio: ['ignore', log, log], detached: true, ...owner })
  closeSync(log)
  const end = () => {
    if (child.pid && isRunning(child)) process.kill(-child.pid, signal)
  }
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  child.unref()
  return Object.assign(child, { end })
}

export const isRunning = (child: ChildProcess) =>
  child.exitCode === null && child.signalCode === null

/** An error with the log's last error line; a full or read-only disk gets Node's error code. */
export function failure(sentence: string, log: string) {
  const tail = readFileSync(log, 'utf8').slice(-8_000)
  const line = tail.split('\n').findLast((line) => /\[ERROR\] (?!Aborting)/.test(line)) ?? ''
  const code = LOGGED_CODES.find(([pattern]) => pattern.test(tail))?.[1]
  return Object.assign(new Error(`${sentence} ${line} The whole log is ${log}.`), { code })
}

/** On a full disk MariaDB waits for minutes and ignores signals. */
export const waitsForSpace = (log: string) =>
  readFileSync(log, 'utf8').includes('Waiting for someone to free space')

const LOGGED_CODES: [RegExp, string][] = [
  [/Bind on TCP\/IP port.*in use/, PORT_TAKEN],
  [/No space left|disk.*full|out of disk space|err(or|no:?) 28\b/i, 'ENOSPC'],
  [/Read-only file system|err(or|no:?) 30\b/i, 'EROFS'],
]

/** True if the process runs on this data folder; the process id may belong to another program. */
export function runsOn(pid: number, folder: string) {
  try {
    const command = existsSync('/proc')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return `${command} `.replaceAll('\0', ' ').includes(`--datadir=${folder} `)
  } catch {
    return false
  }
}

/** Waits until the process has ended; kills it after `STOP_TIMEOUT`. */
export async function gone(isGone: () => boolean, kill: () => void) {
  const deadline = performance.now() + STOP_TIMEOUT
  while (!isGone() && performance.now() < deadline) await sleep(20)
  if (!isGone()) kill()
}
