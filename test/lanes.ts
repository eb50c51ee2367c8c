import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Queue } from './lane.ts'

// Most test files take less time than Node.js needs to load the app, which all of them use. So a process
// of the tests runs several files, which take turns: a lane takes the next file from a queue.

/** Files of one process: more would share the load still better, but their apps leave memory behind. */
const MOST = 12
/** Processes at once, as in .taprc. */
const JOBS = 3
/** Seconds for a file. */
const TIMEOUT = 120
/** These start many programs and take the longest, so they begin first. */
const SLOW = [
  'bench',
  'demo',
  'cli',
  'contract',
  'visibility',
  'local',
  'server',
  'deploy',
  'plugins/db',
  'plugins',
]

const ALL = ['test/**/*.test.ts', 'extensions/*/test/**/*.test.ts']

const rank = (file: string) => {
  const found = SLOW.findIndex((name) => file.startsWith(`test/${name}`))
  return found === -1 ? SLOW.length : found
}

/** The arguments of tap that run these files, or all but the long ones, in lanes; a lone file needs none. */
export function inLanes(args: string[], folder: string, isWanted: (file: string) => boolean) {
  const isFile = (arg: string) => arg.endsWith('.ts')
  const [options, given] = [args.filter((arg) => !isFile(arg)), args.filter(isFile)]
  const all = () => globSync(ALL).filter((file) => !file.startsWith('test/long/'))
  const files = (given.length > 0 ? given : all()).filter(isWanted)
  if (files.length < 2 || files.some((file) => file.startsWith('test/long/')))
    return [...options, ...files]
  const seconds = Number(options.find((one) => one.startsWith('--timeout='))?.slice(10) ?? TIMEOUT)
  const queue: Queue = {
    files: files.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b)),
    perLane: Math.min(MOST, Math.ceil(files.length / JOBS)),
    timeout: seconds * 1000,
  }
  const home = join(folder, 'lanes')
  mkdirSync(home)
  writeFileSync(join(home, 'queue.json'), JSON.stringify(queue))
  const runLane = JSON.stringify(join(import.meta.dirname, 'lane.ts'))
  const lanes = Array.from({ length: Math.ceil(files.length / queue.perLane) }, (_, index) => {
    const lane = join(home, `lane-${index + 1}.mjs`)
    writeFileSync(
      lane,
      `import { runLane } from ${runLane}\nawait runLane(${JSON.stringify(home)})\n`,
    )
    return lane
  })
  return [...options, `--timeout=${seconds * queue.perLane}`, ...lanes]
}
