import '../../local/node-version.ts'
import { parseArgs } from 'node:util'
import { SingleBar } from 'cli-progress'
import { build } from '../../app.ts'
import { adviseDatabase } from '../../local/advice.ts'
import { withStandIns } from '../../local/index.ts'
import { joinLocal } from '../../local/join.ts'
import { readEnv } from '../config/index.ts'
import { judgeSettings } from '../features/optional.ts'
import type { Task } from './index.ts'

const USAGE = `Usage: npm run task -- <name> [argument]

Runs a task beside the live service, on the same settings. Ctrl-C ends it; running it again goes on
where it stopped.
`

/** Milliseconds between lines where the output is no terminal. */
const LINE_EVERY = 2_000

const stops: (() => Promise<unknown>)[] = []
const interruption = new AbortController()

async function main() {
  const [name, ...rest] = readArguments()
  const note = (line: string) => console.error(`- ${line}`)
  const env = readEnv()
  await judgeSettings(withStandIns(env))
  const settings = await joinLocal(env, note, (stop) => stops.push(stop))
  const app = await build({ LOG_LEVEL: 'warn', ...settings }, note)
  stops.push(() => app.close())
  const task = name === undefined ? undefined : app.tasks.get(name)
  const known = app.tasks.all().map(([key, one]) => {
    const call = one.argument ? `${key} [${one.argument}]` : key
    return `  ${call.padEnd(28)} ${one.summary}`
  })
  if (task && rest.length <= (task.argument ? 1 : 0)) return runTask(task, rest[0])
  const list = known.length > 0 ? `Tasks:\n${known.join('\n')}` : 'No feature has added a task.'
  if (name === undefined) console.log(`${USAGE}\n${list}`)
  else throw new Error(`There is no task ${[name, ...rest].join(' ')}. ${list}`)
}

function readArguments() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  })
  return values.help ? [] : positionals
}

async function runTask(task: Task, argument?: string) {
  const format = '{bar} {percentage}% | {value}/{total} | {eta_formatted} left'
  const bar = new SingleBar({
    format,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY,
    gracefulExit: false,
  })
  let shown = false
  const progress = (done: number, total: number) => {
    if (!shown) bar.start(total, done)
    shown = true
    bar.setTotal(total)
    bar.update(done)
  }
  try {
    const sentence = await task.run({ progress, signal: interruption.signal, argument })
    bar.stop()
    console.log(sentence)
  } finally {
    bar.stop()
  }
}

async function stopAll() {
  for (const stop of stops.splice(0).reverse()) await stop().catch(() => {})
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one means that somebody is out of patience with a task that doesn't listen.
    if (interruption.signal.aborted) stopAll().finally(() => process.exit(130))
    interruption.abort(new Error('Interrupted; run it again to go on.'))
  })
}
try {
  await main()
} catch (error) {
  process.exitCode = interruption.signal.aborted ? 130 : 1
  console.error((adviseDatabase(error) as Error).message)
}
await stopAll()
