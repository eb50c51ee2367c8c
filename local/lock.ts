import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5

/**
 * Lets one process at a time use a folder. The operating system holds the lock (SQLite's, on an empty
 * file), so the lock ends with the process, and two simultaneous starts cannot both get the lock.
 * Returns a function that unlocks, or undefined if another process holds the lock.
 */
export function lockFolder(folder: string) {
  const file = join(folder, 'lock.db')
  // Fails with the reason if the folder cannot be written; SQLite's error does not name it.
  writeFileSync(file, '', { flag: 'a' })
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
  return async () => lock.close()
}
