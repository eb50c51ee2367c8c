import { mkdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sides } from './lines/line.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = join(ROOT, '.local/bench')
const TOP = 15
/** Waiting and the profiler itself are not counted. */
const NOT_WORK = /^\(idle\)|^post node:inspector/

type Frame = { functionName: string; url: string; lineNumber: number }
type Profile = {
  nodes: { id: number; callFrame: Frame }[]
  samples: number[]
  timeDeltas: number[]
}

/** Runs one more round under the profiler; returns the file and the functions with the most time. */
export async function profile(name: string, { server, a, after, rounds = 5 }: Sides) {
  if (!server) return undefined
  mkdirSync(FOLDER, { recursive: true })
  const file = join(FOLDER, `${name}.cpuprofile`)
  await server.ask({ profile: 'start' })
  await a(rounds + 1)
  await server.ask({ profile: { file } })
  await after?.()
  return { file, top: topOf(JSON.parse(readFileSync(file, 'utf8'))) }
}

/** The functions with the most self time, as shares of the time that was not idle. */
function topOf({ nodes, samples, timeDeltas }: Profile) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [n, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[n] ?? 0))
  }
  for (const name of times.keys()) if (NOT_WORK.test(name)) times.delete(name)
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(5)} % ${name}`)
}

function nameOf({ functionName, url, lineNumber }: Frame) {
  const file = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
  return `${functionName || 'anonymous'}${file && ` ${file}:${lineNumber + 1}`}`
}
