import '../../local/node-version.ts'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import getPort from 'get-port'
import { createStops } from '../../bench/stops.ts'
import { startMariadb } from '../../local/mariadb.ts'
import { startS3 } from '../../local/s3.ts'
import { HIGH_LIMITS } from '../high-limits.ts'
import { fuzz } from './run.ts'

const HELP = `Sends random requests to a service of its own, and compares its answers with its documents and with a model.

  npm run fuzz                                     50,000 requests
  npm run fuzz -- --requests 5000 --seed 7
  npm run fuzz -- --replay fuzz-7.json             a script that a run has written`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    requests: { type: 'string', default: '50000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    replay: { type: 'string' },
  },
})
const stops = createStops()

async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-fuzz-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const mariadb = await startMariadb({ folder, port: await getPort({ host: '127.0.0.1' }) })
  stops.add(mariadb.stop)
  const s3 = await startS3({ bucket: 'birdhouse', port: await getPort({ host: '127.0.0.1' }) })
  stops.add(s3.stop)
  const begun = performance.now()
  const { failure, problems, statuses, sent } = await fuzz({
    settings: {
      ...s3.settings,
      ...HIGH_LIMITS,
      DATABASE_URL: mariadb.url,
      NODE_ENV: 'test',
      JWT_SECRETS: randomBytes(32).toString('hex'),
      SECOND_FACTOR_KEYS: randomBytes(32).toString('hex'),
    },
    requests: Number(values.requests),
    seed: Number(values.seed),
    ...(values.replay && { replay: JSON.parse(readFileSync(values.replay, 'utf8')).script }),
    log: console.log,
  })
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1)
  console.log(
    `${sent} requests in ${minutes} min, seed ${values.seed}, answers ${JSON.stringify(statuses)}`,
  )
  for (const problem of problems) console.log(`PROBLEM: ${problem}`)
  if (failure) {
    const file = resolve(`fuzz-${failure.seed}.json`)
    if (!values.replay) writeFileSync(file, `${JSON.stringify(failure, null, 2)}\n`)
    console.log(`FAILED: ${failure.error}`)
    for (const turn of failure.script) console.log(`  ${JSON.stringify(turn)}`)
    if (!values.replay) console.log(`Repeat it with: npm run fuzz -- --replay ${file}`)
  }
  if (failure || problems.length > 0) process.exitCode = 1
}

await stops.during(async () => {
  if (values.help) console.log(HELP)
  else await run()
})
process.exit()
