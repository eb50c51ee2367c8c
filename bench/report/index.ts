import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { rows } from '../database.ts'
import { lines } from '../lines/index.ts'
import type { Result } from '../measure.ts'
import type { Bench } from '../setup.ts'
import type { Curves } from './curves.ts'
import { draw } from './draw.ts'
import { type Report, writePage } from './page.ts'

const ROOT = join(import.meta.dirname, '../..')
const FILE = join(ROOT, 'bench/results.json')

/** Lines that were not measured keep their figures and the commit of these figures. */
export async function writeReport(
  bench: Bench,
  commit: string,
  measured: Result[],
  curves?: Curves,
) {
  const earlier: Partial<Report> = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
  const stamp = { commit, date: new Date().toISOString().slice(0, 10) }
  const known = new Map((earlier.results ?? []).map((result) => [result.name, result]))
  for (const result of measured) known.set(result.name, { ...result, ...stamp })
  const all = curves ?? earlier.curves
  const report: Report = {
    machine: await machine(bench),
    results: lines.flatMap(({ name }) => known.get(name) ?? []),
    ...(all && { curves: all }),
  }
  writeFileSync(FILE, `${JSON.stringify(report, null, 2)}\n`)
  if (all) await draw(all, join(ROOT, 'docs/performance'))
  writePage(report, join(ROOT, 'docs/performance.md'))
}

/** The commit of the measured code. */
export function commit() {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':!docs', ':!bench')
  return git('rev-parse', '--short', 'HEAD') + (changed && ' with changes')
}

async function machine({ pool }: Bench) {
  const [database] = await rows<{ version: string; pool: number }>(
    pool,
    'SELECT VERSION() AS version, @@innodb_buffer_pool_size AS pool',
  )
  return {
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    node: process.version,
    database: `MariaDB ${database?.version.split('-')[0]}`,
    bufferPool: `${(database?.pool ?? 0) / 1024 ** 3} GiB`,
  }
}
