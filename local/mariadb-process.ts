import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** The code of the failure when another process has the port. */
export const PORT_TAKEN = 'PORT_TAKEN'
/** Milliseconds; writing everything down may take a while. */
const STOP_TIMEOUT = 15_000

/**
 * Runs a program in a process group of its own: a Ctrl-C in the terminal is for the service, which
 * then stops this. However this process ends, short of SIGKILL, the group is told to end with it.
 */
export function background(
  program: string,
  args: string[],
  logFile: string,
  signal: NodeJS.Signals,
  cwd = '.',
) {
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(program, args, { cwd, stdio: ['ignore', log, log], detached: true })
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

/** What the log says last; a full or read-only disk is told like one that Node itself ran into. */
export function failure(sentence: string, log: string) {
  const tail = readFileSync(log, 'utf8').slice(-8_000)
  const line = tail.split('\n').findLast((line) => /\[ERROR\] (?!Aborting)/.test(line)) ?? ''
  const code = LOGGED_CODES.find(([pattern]) => pattern.test(tail))?.[1]
  return Object.assign(new Error(`${sentence} ${line} The whole log is ${log}.`), { code })
}

/** On a full disk MariaDB waits, minutes at a time, and takes no signal meanwhile. */
export const waitsForSpace = (log: string) =>
  readFileSync(log, 'utf8').includes('Waiting for someone to free space')

const LOGGED_CODES: [RegExp, string][] = [
  [/Bind on TCP\/IP port.*in use/, PORT_TAKEN],
  [/No space left|disk.*full|out of disk space|err(or|no:?) 28\b/i, 'ENOSPC'],
  [/Read-only file system|err(or|no:?) 30\b/i, 'EROFS'],
]

/** True when that process runs on this data folder: a process id alone may be someone else's. */
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

/** Waits until it is gone, and in the end makes it so. */
export async function gone(isGone: () => boolean, kill: () => void) {
  const deadline = performance.now() + STOP_TIMEOUT
  while (!isGone() && performance.now() < deadline) await sleep(20)
  if (!isGone()) kill()
}
