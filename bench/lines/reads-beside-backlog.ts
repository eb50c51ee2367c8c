import { rows } from '../database.ts'
import { median, show } from '../measure.ts'
import type { Bench } from '../setup.ts'
import { bareTweet, captureTweet } from './bare-tweets.ts'
import { CONNECTIONS, type Line } from './line.ts'
import { readsBeside } from './reads-beside.ts'

const TWEETS = 2_000
const AUTHORS = 200
/** Seconds per measurement. */
const SECONDS = 5

export default {
  name: 'reads-beside-backlog',
  title: 'reads beside a backlog',
  a: `many readers while ${TWEETS.toLocaleString('en')} tweets of authors with 100 followers wait for their jobs`,
  b: 'the same without',
  unit: 'requests/s',
  goal: { atLeast: 0.7 },
  async prepare(bench) {
    const { read, sides } = await readsBeside(bench, SECONDS)
    const createBacklog = await backlogs(bench)
    await bench.settle()
    const done: number[] = []
    return {
      ...sides(async () => {
        const before = await createBacklog()
        const figures = await read()
        done.push((before - (await waiting(bench))) / before)
        return figures.rate
      }),
      note: () => `${show(100 * median(done))} % of the jobs run in ${SECONDS} s`,
      // A quick measurement is shorter than the pause between two polls for jobs.
      holds: () => bench.quick || done.every((part) => part > 0),
    }
  },
} satisfies Line

/** Writes the tweets through the bare service, whose jobs are never due, and then makes all jobs due. */
async function backlogs(bench: Bench) {
  const { bare, pool, sizes, send } = bench
  const statements = await captureTweet(bench)
  const authors = await rows<{ id: number }>(
    pool,
    `SELECT user_id AS id FROM user_counts WHERE user_id <= ?
     ORDER BY ABS(CAST(followers AS SIGNED) - ?) LIMIT ?`,
    [sizes.people, sizes.followees, AUTHORS],
  )
  const count = Math.ceil(TWEETS * sizes.scale)
  const requests = Array.from({ length: count }, (_, n) =>
    bareTweet(authors[n % authors.length]?.id ?? 1),
  )
  return async () => {
    await bare.ask({ statements })
    await send({ port: bare.port, requests, connections: CONNECTIONS })
    await pool.query(
      'UPDATE jobs SET run_at = UTC_TIMESTAMP(3) WHERE run_at > UTC_TIMESTAMP(3) + INTERVAL 300 DAY',
    )
    const before = await waiting(bench)
    if (before < count) throw new Error('The tweets of the bare service have no jobs that wait.')
    return before
  }
}

async function waiting({ pool }: Bench) {
  const [row] = await rows<{ n: number }>(
    pool,
    'SELECT COUNT(*) AS n FROM jobs WHERE unique_key IS NULL AND dead_at IS NULL',
  )
  return row?.n ?? 0
}
