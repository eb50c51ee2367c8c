import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from '../plugins/config/index.ts'

/** The settings that lead to each embedded store. */
export type Stores = { database?: Env; s3?: Env }

const fileIn = (folder: string) => join(folder, 'running.json')

/** Writes the settings of the running stores for `joinLocal`. The file holds a password. */
export function announceRunning(folder: string, stores: Stores) {
  const unfinished = `${fileIn(folder)}.new`
  writeFileSync(unfinished, JSON.stringify(stores, null, 2), { mode: 0o600 })
  renameSync(unfinished, fileIn(folder))
}

export const forgetRunning = (folder: string) => rmSync(fileIn(folder), { force: true })

/** Valid only while another process holds the folder's lock: a killed process leaves the file. */
export function readRunning(folder: string): Stores | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(folder), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
