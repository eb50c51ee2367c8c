import '../local/node-version.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createStops } from '../bench/stops.ts'
import { check } from './check.ts'
import { backup } from './drills/backup.ts'
import { type Fault, faults } from './drills/faults.ts'
import { overload } from './drills/overload.ts'
import { startHouse } from './house.ts'
import { startWorkload } from './workload.ts'

const others = [backup, overload]
const all = [...faults, ...others]

const HELP = `Breaks a part of a running service under load, on loopback, and compares what was acknowledged.

  npm run drill -- NAME ...     the drills of these names; all: every drill

${all.map(({ name, title }) => `  ${name.padEnd(10)} ${title}`).join('\n')}`

/** Milliseconds of load before a fault and after it. */
const BEFORE = 3_000
const AFTER = 5_000

const stops = createStops()

/** Runs the load around a fault and prints what became of each write. */
async function drill({ name, title, during }: Fault) {
  const house = await startHouse(stops)
  const workload = await startWorkload(house.url)
  const crashed = Promise.all(workload.failed)
  await Promise.race([sleep(BEFORE), crashed])
  await during(house)
  const back = performance.now()
  await sleep(AFTER)
  const result = await workload.stop()
  const { lost, doubled, wrongLists } = await check(house.url, result)
  const { failures, sent, acknowledged, longestSilence, p50 } = result
  const seconds = new Set(failures.map(({ at }) => Math.floor(at / 1000))).size
  const last = Math.max(back, ...failures.map(({ at }) => at))
  console.log(`\n${name}: ${title}`)
  console.table([
    {
      sent,
      acknowledged,
      failed: failures.length,
      lost,
      doubled,
      'wrong timelines': wrongLists,
      'seconds of trouble': seconds,
      'seconds without an answer': round(longestSilence / 1000),
      'last failure after the return, s': round((last - back) / 1000),
      'p50, ms': round(p50),
    },
  ])
  if (failures.length > 0) console.log('failures:', tally(failures.map(({ why }) => why)))
}

const round = (number: number) => Math.round(number * 10) / 10

function tally(words: string[]) {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean' } },
})
const names = positionals[0] === 'all' ? all.map(({ name }) => name) : positionals
const unknown = names.find((name) => !all.some((one) => one.name === name))

if (values.help || names.length === 0) console.log(HELP)
else if (unknown) {
  console.error(`Unknown drill ${unknown}.\n\n${HELP}`)
  process.exitCode = 1
} else
  await stops.during(async () => {
    for (const name of names) {
      const fault = faults.find((one) => one.name === name)
      if (fault) await drill(fault)
      else await others.find((one) => one.name === name)?.run(stops)
      await stops.stopAll()
    }
  })
