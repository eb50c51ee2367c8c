import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const BASE = join(ROOT, '.local/bench')
/** A change in these files changes the rows. */
const SOURCES = ['bench/data', 'db/migrations', 'demo/random.ts']

/** The data of a scale as files of a database server, kept between runs. */
export function keptData(scale: number) {
  const family = `data-${scale}-`
  const folder = join(BASE, `${family}${fingerprint()}`)
  return { folder, exists: existsSync(folder), make }

  /** Replaces the data of earlier versions only after `fill` has completed. */
  async function make(fill: (folder: string) => Promise<void>) {
    mkdirSync(BASE, { recursive: true })
    for (const name of readdirSync(BASE)) if (name.startsWith(family)) remove(join(BASE, name))
    const unfinished = fresh(`loading-${scale}`)
    await fill(unfinished)
    renameSync(unfinished, folder)
  }
}

/** Copies the data for a run, so that the writes of the run do not change them for the next one. */
export function copyForRun(folder: string) {
  const copy = fresh(`run-${process.pid}`)
  cpSync(folder, copy, { recursive: true })
  return { folder: copy, remove: () => remove(copy) }
}

function fresh(name: string) {
  const folder = join(BASE, name)
  remove(folder)
  return folder
}

const remove = (folder: string) => rmSync(folder, { recursive: true, force: true })

function fingerprint() {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const path = join(ROOT, source)
    const names = source.endsWith('.ts') ? [''] : readdirSync(path).sort()
    for (const name of names) {
      if (/\.(ts|sql)$|^$/.test(name)) hash.update(name).update(readFileSync(join(path, name)))
    }
  }
  return hash.digest('hex').slice(0, 12)
}
