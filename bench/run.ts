import '../local/node-version.ts'
import { parseArgs } from 'node:util'
import { compare } from './compare.ts'
import { lines } from './lines/index.ts'
import { measure, pair, type Result } from './measure.ts'
import { profile } from './profile.ts'
import { measurePlots } from './report/curves.ts'
import { commit, writeReport } from './report/index.ts'
import { type Bench, setUp } from './setup.ts'

const HELP = `Measures Birdhouse against a bare service on the same data, and pages against the amount of data.

  npm run bench                            every line but memory, and the plots
  npm run bench -- timeline-page tweet     these lines only, or: plots
  npm run bench -- --all                   memory as well, which takes ten minutes
  npm run bench -- timeline-page --profile writes a .cpuprofile and prints its top
  npm run bench -- first-page --dry        writes no results
  npm run bench -- first-page --against ../other
                                           this checkout against another one; writes no results
  npm run bench -- --scale 0.01            a hundredth of the data; writes no results
  npm run bench -- --quick                 little data, one second per measurement; writes no results

Lines: ${lines.map(({ name }) => name).join(', ')}

The first run loads the data into .local/bench, which takes one or two minutes. Results are written to
bench/results.json and docs/performance.md.`

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    all: { type: 'boolean' },
    profile: { type: 'boolean' },
    dry: { type: 'boolean' },
    against: { type: 'string' },
    scale: { type: 'string' },
    quick: { type: 'boolean' },
  },
})
const progress = (line: string) => console.log(`- ${line}`)

function chosen() {
  const unknown = names.find((name) => name !== 'plots' && !lines.some((one) => one.name === name))
  if (unknown)
    throw new Error(`Unknown line ${unknown}. List the lines with: npm run bench -- --help`)
  if (names.length > 0) return lines.filter(({ name }) => names.includes(name))
  return lines.filter(({ name }) => options.all || name !== 'memory')
}

async function run() {
  const { quick = false, against, dry } = options
  const scale = Number(options.scale ?? (quick ? 0.005 : 1))
  const wanted = chosen()
  const { bench, other, tearDown } = await setUp({ scale, quick, against }, progress)
  const results: Result[] = []
  const measured = commit()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => tearDown().finally(() => process.exit(130)))
  }
  try {
    const plots = !quick && !other && (names.length === 0 || names.includes('plots'))
    const curves = plots ? await measurePlots(bench) : undefined
    for (const line of wanted) results.push(await measureLine(line, bench, other))
    if (scale === 1 && !quick && !dry && !other) await writeReport(bench, measured, results, curves)
  } finally {
    await tearDown()
  }
  print(results, other !== undefined)
}

async function measureLine(
  line: (typeof lines)[number],
  bench: Bench,
  other?: Bench,
): Promise<Result> {
  if (other) return compare(line, bench, other)
  progress([line.name, ': ', line.a, line.b && ` / ${line.b}`].join(''))
  const sides = await line.prepare(bench)
  const result = await measure(line, sides, bench)
  // Profile a missed goal.
  const seen =
    options.profile || (!result.reached && !bench.quick)
      ? await profile(line.name, sides)
      : undefined
  if (seen && options.profile) console.log(`\n${seen.file}\n${seen.top.join('\n')}\n`)
  await sides.end?.()
  return { ...result, ...(seen && !result.reached && { profile: seen.top }) }
}

function print(results: Result[], compared: boolean) {
  for (const { name, goal, unit, a, b, ratio, reached, note = '' } of results) {
    const bound = 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`
    console.log(
      name.padEnd(20),
      `${pair(a.value, b?.value)} ${unit}`.padEnd(32),
      ratio.toFixed(2).padStart(6),
      ...(compared ? [] : [bound.padEnd(8), reached ? 'reached' : 'MISSED']),
      note,
    )
  }
}

try {
  if (options.help) console.log(HELP)
  else await run()
  process.exit()
} catch (error) {
  console.error(error)
  process.exit(1)
}
