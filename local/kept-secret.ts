import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

export const newSecret = () => randomBytes(48).toString('base64url')

/** A random secret that is kept in a file; a full disk or a kill never leaves a partial secret. */
export function keptSecret(file: string) {
  if (!existsSync(file)) {
    const unfinished = `${file}.new`
    writeFileSync(unfinished, newSecret(), { mode: 0o600 })
    renameSync(unfinished, file)
  }
  return readFileSync(file, 'utf8').trim()
}
