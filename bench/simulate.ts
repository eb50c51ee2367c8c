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

const HELP = `Simulates fan-out for values of FANOUT_LIMIT and sizes of the service: entries per second, databases,
the delay from a tweet to its last entry, and the followees that a reader has to merge.

  npm run bench:simulate
  npm run bench:simulate -- --users 1e6 --limits 1000,50000 --peak 5

  --users      sizes of the service, comma-separated             (1e5,1e7,1e9)
  --limits     values of FANOUT_LIMIT, comma-separated           (0,1000,10000,100000,unlimited)
  --followees  followees of an average user                      (100)
  --tweets     tweets of an average user per day                 (2)
  --active     share of users who have read recently; the others
               get no entries                                    (0.5)
  --peak       ratio of the busiest hour to the average hour     (3)
  --rate       entries/s of one database, through the job        (bench/results.json, else 65000)
  --job-rate   jobs/s of one database for authors without
               followers: the cost of a job beside its entries   (300)
  --workers    concurrent jobs of one database                   (4)
  --load       share of a database's time that the peak may use  (0.5)
  --jobs       tweets in each simulated queue                    (200000)
  --seed       seed of the random numbers                        (1)

Columns: authors with more followers than the limit; the number of them that an average reader follows, which
are merged into each page; entries written per second, on average and at the peak; databases needed for the
peak; seconds at the peak from a tweet to its last entry, in the simulation; seconds that a database takes alone
for the author with the most followers below the limit; tweets in progress at a time.`

/** Measured on two cores shared with the whole bench, see docs/scaling.md. */
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
    throw new Error(`--${name} ${options[name]}: give a number; --help lists the options.`)
  return values
}

function number(name: Name) {
  const [value = 0] = numbers(name)
  if (!(value > 0 && value < Infinity)) throw new Error(`--${name} must be above 0.`)
  return value
}

function simulate(followers: ReturnType<typeof createFollowers>, limit: number) {
  const [active, rate, jobRate] = [number('active'), number('rate'), number('job-rate')]
  // The author's own timeline always has an entry.
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
    // Computed alone, because such a rare author may not have been drawn.
    duration(workOf(mostFollowers(followers, limit))),
    // Little's law: jobs that have arrived and not ended.
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
