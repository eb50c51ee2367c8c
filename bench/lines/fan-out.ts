import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, ResultSetHeader } from 'mysql2/promise'
import { FOLLOWERS } from '../data/sizes.ts'
import { rows } from '../database.ts'
import { request } from '../processes/requests.ts'
import type { Bench } from '../setup.ts'
import type { Line } from './line.ts'

/** Tweets per measurement, each fanned out before the next. */
const COUNT = 5
/** Milliseconds between checks whether a tweet is on all timelines. */
const LOOK = 1

export default {
  name: 'fan-out',
  title: 'fan-out',
  a: 'entries/s through the job, from a tweet of an author with 10,000 followers on',
  b: 'one raw `INSERT ... SELECT` of the same rows',
  unit: 'entries/s',
  goal: { atLeast: 0.5 },
  async prepare(bench) {
    const author = bench.ids.authorOf(FOLLOWERS.indexOf(10_000))
    return {
      a: () => throughJob(bench, author),
      b: () => raw(bench.pool, author),
      after: bench.settle,
      rounds: 7,
      server: bench.service,
    }
  },
} satisfies Line

async function throughJob({ send, tokens, service, pool }: Bench, author: number) {
  const [token = ''] = await tokens([author])
  const tweet = request('POST /v1/tweets', { token, body: { text: 'to ten thousand' } })
  let [entries, milliseconds] = [0, 0]
  for (let n = 0; n < COUNT; n++) {
    const before = performance.now()
    const load = { port: service.port, requests: [tweet], connections: 1, bodies: true }
    const { bodies } = await send(load)
    const { id } = JSON.parse(bodies?.[0] ?? '{}')
    while (await isUndelivered(pool, id)) await sleep(LOOK)
    milliseconds += performance.now() - before
    entries += await entriesOf(pool, author, id)
  }
  return entries / (milliseconds / 1000)
}

async function isUndelivered(pool: Pool, id: number) {
  const sql = 'SELECT id FROM tweets WHERE id = ? AND undelivered IS NOT NULL'
  return (await rows(pool, sql, [id])).length > 0
}

/** Counts through the followers, because entries have no index by tweet. */
async function entriesOf(pool: Pool, author: number, id: number) {
  const [row] = await rows<{ n: number }>(
    pool,
    `SELECT COUNT(*) AS n FROM follows JOIN timeline_entries ON reader_id = follower_id
       AND tweet_id = ? WHERE followee_id = ?`,
    [id, author],
  )
  return row?.n ?? 0
}

async function raw(pool: Pool, author: number) {
  let [entries, milliseconds] = [0, 0]
  for (let n = 0; n < COUNT; n++) {
    const insert = 'INSERT INTO tweets (author_id, text, undelivered) VALUES (?, ?, NULL)'
    const [{ insertId }] = await pool.execute<ResultSetHeader>(insert, [author, 'raw'])
    const before = performance.now()
    const [{ affectedRows }] = await pool.execute<ResultSetHeader>(
      'INSERT INTO timeline_entries SELECT follower_id, ? FROM follows WHERE followee_id = ?',
      [insertId, author],
    )
    milliseconds += performance.now() - before
    entries += affectedRows
  }
  return entries / (milliseconds / 1000)
}
