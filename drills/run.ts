import '../local/node-version.ts'
import { parseArgs } from 'node:util'
import { createStops } from '../bench/stops.ts'
import { backup } from './drills/backup.ts'
import { faults } from './drills/faults.ts'
import { keepLogs } from './logs.ts'
import { measure } from './measure.ts'
import { overloads } from './overload/index.ts'

const others = [backup, ...overloads]
const all = [...faults, ...others]

const HELP = `Breaks a part of a running service under load, on loopback, and compares what was acknowledged.

  npm run drill -- NAME ...     the drills of these names; all: every drill
    --alerts                    longer, with Prometheus, to see which alerts fire
    --logs FOLDER               keeps the logs of HAProxy and of the service there

${all.map(({ name, title }) => `  ${name.padEnd(15)} ${title}`).join('\n')}`

const stops = createStops()

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    alerts: { type: 'boolean', default: false },
    logs: { type: 'string' },
  },
})
const names = positionals[0] === 'all' ? all.map(({ name }) => name) : positionals
const unknown = names.find((name) => !all.some((one) => one.name === name))

if (values.logs) keepLogs(values.logs)
if (values.help || names.length === 0) console.log(HELP)
else if (unknown) {
  console.error(`Unknown drill ${unknown}.\n\n${HELP}`)
  process.exitCode = 1
} else
  await stops.during(async () => {
    for (const name of names) {
      const fault = faults.find((one) => one.name === name)
      if (fault) await measure(fault, stops, values.alerts)
      else await others.find((one) => one.name === name)?.run(stops)
      await stops.stopAll()
    }
  })
