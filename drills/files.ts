import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { unprivileged } from '../test/mysql/server.ts'

export { unprivileged }
export type Owner = ReturnType<typeof unprivileged>

/** Gives a folder to the user of a server, who may pass through it. */
export function giveTo({ uid, gid }: Owner, folder: string) {
  if (uid === undefined) return
  chmodSync(folder, 0o711)
  execFileSync('chown', ['-R', `${uid}:${gid}`, folder])
}
