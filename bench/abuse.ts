import '../local/node-version.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import getPort from 'get-port'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'
import logins from './attacks/logins.ts'
import notifications from './attacks/notifications.ts'
import overload from './attacks/overload.ts'
import type { Outcome, Scenario } from './attacks/scenario.ts'
import uploads from './attacks/uploads.ts'
import { SERVICE, start, stopAll } from './processes/ask.ts'
import { createStops } from './stops.ts'

const SCENARIOS: Scenario[] = [...logins, ...uploads, ...notifications, ...overload]

const HELP = `Measures the requests of people while a client attacks the service, on loopback.

  npm run bench:abuse                      every scenario
  npm run bench:abuse -- logins            one scenario
  npm run bench:abuse -- --of ../other     the service of another checkout

${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(16)} ${title}`).join('\n')}`

const ROUNDS = 5
/** Milliseconds between the rounds. */
const REST = 500
/** Milliseconds from the start of an attack to the first request of a person. */
const HEAD_START = 2_000

const stops = createStops()

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean' }, of: { type: 'string' } },
})

function chosen() {
  const unknown = names.find((name) => !SCENARIOS.some((one) => one.name === name))
  if (unknown) throw new Error(`Unknown scenario ${unknown}. List them with --help`)
  return SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name))
}

/** Every scenario gets a service and a database of its own, so that none meets limits of another. */
async function run({ name, title, prepare, env: more }: Scenario) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-abuse-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const mariadb = await startMariadb({ folder, port: await getPort({ host: '127.0.0.1' }) })
  stops.add(mariadb.stop)
  const s3 = await startS3({ bucket: 'birdhouse', port: await getPort({ host: '127.0.0.1' }) })
  stops.add(s3.stop, stopAll)
  const file = values.of ? join(resolve(values.of), 'bench/processes/birdhouse.ts') : 'birdhouse.ts'
  const own = { DATABASE_URL: mariadb.url, LOG_LEVEL: 'silent', ...more }
  const env = { ...SERVICE.env, ...s3.settings, ...own }
  const service = start(file, env, SERVICE.args)
  const { honest, attack } = await prepare(await service.ask<{ port: number }>({ listen: true }))

  console.log(`\n${name}: ${title}`)
  await honest()
  show('people, no attack', await severalTimes(honest))
  const end = new AbortController()
  const begun = performance.now()
  const attacking = attack(end.signal)
  await sleep(HEAD_START)
  const during = await severalTimes(honest)
  end.abort()
  show('people, attack', during)
  const seconds = (performance.now() - begun) / 1000
  show(`attack of ${Math.round(seconds)} s`, await attacking)
  await stops.stopAll()
}

async function severalTimes(honest: () => Promise<Outcome>) {
  const all: Outcome = { latencies: [], answers: {} }
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await sleep(REST)
    const { latencies, answers } = await honest()
    all.latencies.push(...latencies)
    for (const [status, count] of Object.entries(answers)) {
      all.answers[status] = (all.answers[status] ?? 0) + count
    }
  }
  return all
}

function show(what: string, { latencies, answers }: Outcome) {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  const times = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
  console.log(`  ${what.padEnd(20)} ${times.padEnd(30)} answers ${JSON.stringify(answers)}`)
}

await stops.during(async () => {
  if (values.help) console.log(HELP)
  else for (const scenario of chosen()) await run(scenario)
})
process.exit()
