import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './check.ts'
import { type House, type Options, type Stops, startHouse } from './house.ts'
import { startPrometheus } from './prometheus.ts'
import { type Result, startWorkload } from './workload.ts'

/** How one fault is built, made and looked at afterwards. */
export type Scene = {
  options?: Options
  /** Breaks a part for so many seconds; ends when the part is back. */
  during: (house: House, seconds: number) => Promise<unknown>
  /** More columns for the table. */
  after?: (house: House, result: Result) => Promise<Record<string, unknown>>
}
export type Fault = {
  name: string
  title: string
  /** For which the part is away. */
  seconds: number
  /** The same with --alerts. */
  secondsForAlerts?: number
  /** Alerts of deploy/prometheus/alerts.yml, of which at least one fires; without any, none may fire. */
  alerts: string[]
  prepare: (stops: Stops) => Scene | Promise<Scene>
}

/** Milliseconds of load before a fault and after it. */
const BEFORE = 3_000
const AFTER = 5_000

/** Seconds of a fault, and at least so many that its alerts can fire. */
const LONG = 45

/**
 * Runs the load around a fault and prints what became of each write. @param withAlerts makes the fault last longer and asks
 * Prometheus which alerts fire
 */
export async function measure(fault: Fault, stops: Stops, withAlerts: boolean) {
  const { name, title, prepare } = fault
  const seconds = withAlerts ? (fault.secondsForAlerts ?? LONG) : fault.seconds
  const scene = await prepare(stops)
  const house = await startHouse(stops, scene.options)
  const fired = withAlerts ? await startPrometheus(stops, house) : undefined
  const workload = await startWorkload(house.url)
  const crashed = Promise.all(workload.failed)
  await Promise.race([sleep(BEFORE), crashed])
  await Promise.race([scene.during(house, seconds), crashed])
  const back = performance.now()
  await sleep(AFTER)
  const result = await workload.stop()
  const { lost, doubled, wrongLists } = await check(house.url, result)
  const more = await scene.after?.(house, result)
  const { failures, sent, acknowledged, longestSilence, p50 } = result
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
      'seconds of trouble': new Set(failures.map(({ at }) => Math.floor(at / 1000))).size,
      'seconds without an answer': round(longestSilence / 1000),
      'last failure after the return, s': round((last - back) / 1000),
      'p50, ms': round(p50),
      ...more,
    },
  ])
  if (fired) judge(fault, await fired())
  if (failures.length > 0) console.log('failures:', tally(failures.map(({ why }) => why)))
}

function judge({ alerts }: Fault, fired: string[]) {
  const isRight = alerts.length > 0 ? alerts.some((one) => fired.includes(one)) : fired.length === 0
  console.log(`alerts: ${fired.join(', ') || 'none'}${isRight ? '' : '; WRONG'}`)
  if (!isRight) process.exitCode = 1
}

const round = (number: number) => Math.round(number * 10) / 10

function tally(words: string[]) {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
