import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { basename } from 'node:path'

// Waits for the end of its input, which is that of the process that started it.
const SCRIPT = `
  cat
  for id in $(grep -ls "$NAME" /proc/[0-9]*/cmdline /proc/[0-9]*/environ | cut -d / -f 3); do
    [ "$id" = $$ ] || kill -9 "$id"
  done
  rm -rf "$FOLDER" "$TEMPORARY"`

/**
 * Once this process is gone, even by SIGKILL, removes the folders and, on Linux, ends all processes that have the name
 * of the first one in their command line or environment. The second one's name begins with it.
 */
export function sweepAfterwards(folder: string, temporary: string) {
  mkdirSync(temporary)
  const child = spawn('sh', ['-c', SCRIPT], {
    // A Ctrl-C in the terminal does not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH, NAME: basename(folder), FOLDER: folder, TEMPORARY: temporary },
  })
  child.unref()
}
