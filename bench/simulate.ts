import '../local/node-version.ts'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Result, show } from './measure.ts'
import {
  authorsAbove,
  createFollowers,
  mean,
  mergedFollowees,
  mostFollowers,
} from './simulation/followers.ts'
import { simulateQueue } from './simulation/queue.ts'

const HELP = `What fan-out costs at which FANOUT_LIMIT, in services of which size: entries a second, databases,
how long a tweet waits until it is in all timelines, and how many followees a reader has to merge.

  npm run bench:simulate
  npm run bench:simulate -- --users 1e6 --limits 1000,50000 --peak 5

  --users      sizes of the service, comma-separated             (1e5,1e7,1e9)
  --limits     values of FANOUT_LIMIT, comma-separated           (0,1000,10000,100000,unlimited)
  --followees  of an average user                                (100)
  --tweets     of an average user a day                          (2)
  --active     share of users who have read of late; the others
               get no entries                                    (0.5)
  --peak       the busiest hour over the average one             (3)
  --rate       entries/s of one database, through the job        (bench/results.json, else 65000)
  --job-rate   jobs/s of one database whose authors have no
               followers: what a job costs beside its entries    (300)
  --workers    jobs at work at once at one database              (4)
  --load       share of a database's time that the peak may take (0.5)
  --jobs       tweets in each simulated queue                    (200000)
  --seed       of the random numbers                             (1)

Columns: authors of more followers than the limit; how many of them an average reader follows, which
are merged into each page; entries written a second, on average and at the peak; databases that take the
peak; seconds at the peak from a tweet to its last entry, among those simulated; how long the author of
most followers below the limit takes with a database alone; tweets on their way at a time.`

/** Measured on two cores together with everything else, see docs/scaling.md. */
const MEASURED = { rate: 65_000, jobRate: 300 }
const RESULTS = join(import.meta.dirname, 'results.json')
const DAY = 86_400

const option = (value: string) => ({ type: 'string' as const, default: value })
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean' },
    users: option('1e5,1e7,1e9'),
    limits: option('0,1000,10000,100000,unlimited'),
    followees: option('100'),
    tweets: option('2'),
    active: option('0.5'),
    peak: option('3'),
    rate: option(String(measuredRate())),
    'job-rate': option(String(MEASURED.jobRate)),
    workers: option('4'),
    load: option('0.5'),
    jobs: option('200000'),
    seed: option('1'),
  },
})

function measuredRate() {
  if (!existsSync(RESULTS)) return MEASURED.rate
  const { results }: { results: Result[] } = JSON.parse(readFileSync(RESULTS, 'utf8'))
  return Math.round(results.find(({ name }) => name === 'fan-out')?.a.value ?? MEASURED.rate)
}

type Name = Exclude<keyof typeof options, 'help'>

function numbers(name: Name) {
  const values = options[name].split(',').map((text) => (text === 'unlimited' ? Infinity : +text))
  if (values.some((value) => Number.isNaN(value) || value < 0))
    throw new Error(`--${name} ${options[name]}: give a number, or see --help.`)
  return values
}

function number(name: Name) {
  const [value = 0] = numbers(name)
  if (!(value > 0 && value < Infinity)) throw new Error(`--${name} must be above 0.`)
  return value
}

function simulate(followers: ReturnType<typeof createFollowers>, limit: number) {
  const [active, rate, jobRate] = [number('active'), number('rate'), number('job-rate')]
  // One's own timeline has an entry in any case.
  const entriesOf = (count: number) => 1 + (count > limit ? 0 : count * active)
  const workOf = (count: number) => 1 / jobRate + entriesOf(count) / rate
  const tweets = (followers.users * number('tweets')) / DAY
  const atPeak = tweets * number('peak')
  const databases = Math.ceil((atPeak * mean(followers, workOf)) / number('load'))
  const delays = simulateQueue({
    arrivals: atPeak / databases,
    nextWork: (random) => workOf(followers.draw(random)),
    workers: number('workers'),
    jobs: number('jobs'),
    seed: number('seed'),
  })
  const at = (part: number) => delays[Math.floor((delays.length - 1) * part)] ?? 0
  const meanDelay = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  const entries = mean(followers, entriesOf)
  return [
    followers.users.toLocaleString('en'),
    limit === Infinity ? 'unlimited' : limit.toLocaleString('en'),
    authorsAbove(followers, limit).toLocaleString('en'),
    show(mergedFollowees(followers, limit)),
    show(tweets * entries),
    show(atPeak * entries),
    databases.toLocaleString('en'),
    ...[0.5, 0.99, 1].map((part) => duration(at(part))),
    // Alone, where one so rare may not be among those that were drawn.
    duration(workOf(mostFollowers(followers, limit))),
    // Little's law: those that have arrived and not ended.
    show(atPeak * meanDelay),
  ]
}

const duration = (seconds: number) =>
  seconds < 1 ? `${show(seconds * 1000)} ms` : `${show(seconds)} s`

const HEADER = [
  'users',
  'FANOUT_LIMIT',
  'authors above',
  'merged followees',
  'entries/s',
  'at peak',
  'databases',
  'delay p50',
  'p99',
  'longest',
  'largest',
  'undelivered',
]

function print(rows: string[][]) {
  const widths = HEADER.map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)))
  for (const row of rows) {
    console.log(`| ${row.map((cell, n) => cell.padStart(widths[n] ?? 0)).join(' | ')} |`)
  }
}

function run() {
  if (options.help) return console.log(HELP)
  const rows = numbers('users').flatMap((users) => {
    const followers = createFollowers(users, number('followees'))
    return numbers('limits').map((limit) => simulate(followers, limit))
  })
  print([HEADER, HEADER.map((name) => `${'-'.repeat(name.length - 1)}:`), ...rows])
}

try {
  run()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
