import { appendFileSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'

let folder: string | undefined

/** Keeps what HAProxy and the processes of the service log, and what failed when, in files of this folder. */
export function keepLogs(to: string) {
  mkdirSync(to, { recursive: true })
  folder = to
}

/** For `stdio` of a child process. */
export const logFile = (name: string) =>
  folder ? openSync(join(folder, `${name}.log`), 'a') : 'ignore'

export const logLevel = () => (folder ? 'info' : 'silent')

/** A line in drill.log. */
export function note(what: string, at = Date.now()) {
  if (folder) appendFileSync(join(folder, 'drill.log'), `${new Date(at).toISOString()} ${what}\n`)
}
