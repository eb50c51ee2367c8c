import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5

/**
 * Lets one process at a time use a folder. The operating system holds the lock (SQLite's, on an
 * empty file), so it goes with the process, however that ends, and two that start at the same
 * moment can't both get it. Returns what unlocks, or undefined when another process has it.
 */
export function lockFolder(folder: string) {
  const file = join(folder, 'lock.db')
  // Says why when the folder can't be written, which SQLite would not.
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
