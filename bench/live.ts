import '../local/node-version.ts'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMariadb } from '../local/mariadb.ts'
import { startS3 } from '../local/s3.ts'

// Open streams on one process: memory per stream, and the delay from a POST to its arrival, against a
// bare node:http server that writes the same bytes to as many connections. Both servers and the clients
// have a process each.
//   npm run bench:live            5,000 streams
//   STREAMS=500 npm run bench:live

const STREAMS = Number(process.env.STREAMS ?? 5000)
/** Followers of the author with few followers. */
const FEW = 5
const POSTS = { everyone: 20, few: 60 }
/** Milliseconds between the arrival of one post and the next. */
const PACE = { everyone: 500, few: 100 }

type Ready = { port: number; tokens: string[]; authors: { everyone: string; few: string } }
type Audience = keyof typeof POSTS
type Row = Record<string, number>

/** Sends a command to a process and returns its answer. */
async function ask<T>(child: ChildProcess, command: object): Promise<T> {
  if (process.env.VERBOSE)
    console.log(new Date().toISOString(), JSON.stringify(command).slice(0, 60))
  const answer = once(child, 'message')
  child.send(command)
  return (await answer)[0] as T
}

function start(file: string, env: NodeJS.ProcessEnv = {}) {
  const execArgv = ['--expose-gc']
  return fork(join(import.meta.dirname, file), { execArgv, env: { ...process.env, ...env } })
}

async function measure(server: ChildProcess, frame: string): Promise<Row & { sample?: never }> {
  const { port, tokens, authors } = await ask<Ready>(server, { streams: STREAMS, few: FEW, frame })
  const clients = start('live-clients.ts')
  const open = (list: string[]) => ask<Row>(clients, { open: list, port })
  await open(tokens.slice(0, 200))
  await ask(clients, { close: true })
  const before = await ask<Row>(server, { usage: true })
  const opened = await open(tokens)
  await sleep(1_000)
  const idle = await ask<Row>(server, { usage: true })
  await sleep(5_000)
  const later = await ask<Row>(server, { usage: true })
  const row: Row = {
    'open all (s)': opened.seconds ?? 0,
    'RSS a stream (KiB)': kib(before, idle),
    'heap a stream (KiB)': kib(before, idle, 'heap'),
    'CPU while idle (%)': ((later.cpu ?? 0) - (idle.cpuAfter ?? 0)) / 5e4,
  }
  for (const audience of ['everyone', 'few'] as const) {
    const result = await post(clients, port, authors[audience], audience)
    row[`to ${audience}, p50 (ms)`] = result.p50 ?? 0
    row[`to ${audience}, p99 (ms)`] = result.p99 ?? 0
  }
  row['RSS a stream after it (KiB)'] = kib(before, await ask<Row>(server, { usage: true }))
  sample = (await ask<{ sample: string }>(clients, { sample: true })).sample
  if (!frame) row['all come back, 10 missed (s)'] = await comeBack(clients, port, tokens, authors)
  clients.kill()
  return row
}

let sample = ''
const kib = (before: Row, after: Row, what = 'rss') =>
  ((after[what] ?? 0) - (before[what] ?? 0)) / STREAMS / 1024

/** Posts one tweet after the other; returns the delay of each to each stream. */
async function post(clients: ChildProcess, port: number, token: string, audience: Audience) {
  const readers = audience === 'few' ? FEW : STREAMS
  for (let n = 0; n < POSTS[audience]; n++) {
    const mark = `${audience}-${n} `
    await ask(clients, { expect: mark })
    await say(port, token, mark)
    await ask(clients, { arrived: readers * (n + 1) })
    await sleep(PACE[audience])
  }
  const result = await ask<Row>(clients, { delays: true })
  const expected = readers * POSTS[audience]
  if (result.count !== expected) throw new Error(`${result.count} of ${expected} arrived`)
  return result
}

async function say(port: number, token: string, mark: string) {
  const text = mark.padEnd(120, 'a tweet of an ordinary length, ')
  const answer = await fetch(`http://127.0.0.1:${port}/v1/tweets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
}

/** Closes all streams, writes ten tweets and opens all streams as fast as the server admits them. */
async function comeBack(
  clients: ChildProcess,
  port: number,
  tokens: string[],
  authors: Ready['authors'],
) {
  const { lastId } = await ask<{ lastId: number }>(clients, { close: true })
  for (let n = 0; n < 10; n++) await say(port, authors.everyone, `missed-${n}`)
  await sleep(1_000)
  const { seconds } = await ask<Row>(clients, { open: tokens, port, lastId, missed: 10 })
  return seconds ?? 0
}

function print(rows: [string, Row][]) {
  const [service, bare] = rows.map(([, row]) => row) as [Row, Row]
  console.log(`\n${STREAMS} streams`.padEnd(34), 'Birdhouse'.padStart(10), 'bare http'.padStart(10))
  for (const [name, value] of Object.entries(service)) {
    const other = bare[name]
    const ratio = other && other > 0.5 ? `${(value / other).toFixed(1)}x` : ''
    const digits = value < 10 ? 1 : 0
    console.log(
      name.padEnd(33),
      value.toFixed(digits).padStart(10),
      (other?.toFixed(digits) ?? '').padStart(10),
      ratio.padStart(7),
    )
  }
}

const folder = mkdtempSync(join(tmpdir(), 'birdhouse-bench-'))
const mariadb = await startMariadb({ folder, volatile: true })
const s3 = await startS3({ bucket: 'birdhouse' })
const servers: ChildProcess[] = []
try {
  const env = { DATABASE_URL: mariadb.url, ...s3.settings }
  const service = start('live-service.ts', env)
  servers.push(service)
  const first = await measure(service, '')
  service.kill()
  const bare = start('live-bare.ts')
  servers.push(bare)
  print([
    ['Birdhouse', first],
    ['bare', await measure(bare, sample)],
  ])
} finally {
  for (const server of servers) server.kill()
  await s3.stop()
  await mariadb.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
