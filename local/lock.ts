import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** SQLite's result code for a file that another process has locked. */
const SQLITE_BUSY = 5

/**
 * Lets one process at a time use a folder. The operating system holds the lock (SQLite's, on an
 * empty file), so it goes with the process, however that ends, and two that start at the same
 * moment can't both get it. Returns what unlocks.
 * @throws Error with a sentence when another instance is running.
 */
export async function lockFolder(folder: string) {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'lock.db')
  // Says why when the folder can't be written, which SQLite would not.
  writeFileSync(file, '', { flag: 'a' })
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw (error as { errcode?: number }).errcode === SQLITE_BUSY ? inUse(folder) : error
  }
  return async () => lock.close()
}

const inUse = (folder: string) =>
  new Error(
    `Another instance is using ${folder}. Stop it, or give this one a folder and a port of its own: LOCAL_DIR=.local2 PORT=3001`,
  )
