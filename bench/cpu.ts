import '../local/node-version.ts'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createRandom } from '../demo/random.ts'
import { warmDatabase } from './lines/warm-database.ts'
import { median } from './measure.ts'
import { SERVICE, start } from './processes/ask.ts'
import { request } from './processes/requests.ts'
import { setUp } from './setup.ts'

const HELP = `Measures the processor time of timeline pages, which a busy machine disturbs less than a rate.

  node bench/cpu.ts . ../other        this checkout and another one in turn, three rounds`

/** Pages of different readers of a process that has just started, and then of readers at random. */
const FIRST = 5_000
const RANDOM = 20_000
const ROUNDS = 3
const CONNECTIONS = 32
/** Microseconds of a clock tick of /proc. */
const TICK = 10_000

type Bench = Awaited<ReturnType<typeof setUp>>['bench']

/** Microseconds of processor time that a process has used. */
function usedBy(pid: number) {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const [user, system] = fields.split(' ').slice(11)
  return (Number(user) + Number(system)) * TICK
}

/** Microseconds a page: of the service and of the database, for first pages and for readers at random. */
async function round({ send, sizes, databasePid, env }: Bench, folder: string, seed: number) {
  const file = join(resolve(folder), 'bench/processes/birdhouse.ts')
  const server = start(file, env, SERVICE.args)
  const { port } = await server.ask<{ port: number }>({ listen: true })
  const random = createRandom(seed)
  const readers = random.shuffle(Array.from({ length: sizes.people }, (_, n) => n + 1))
  const { tokens } = await server.ask<{ tokens: string[] }>({ tokens: readers })
  const pages = tokens.map((token) => request('GET /v1/timeline', { token }))

  async function measure(requests: string[]) {
    const used = () => [server.pid, databasePid].map(usedBy)
    const before = used()
    await send({ port, requests, connections: CONNECTIONS })
    return used().map((after, n) => (after - (before[n] ?? 0)) / requests.length)
  }

  const first = await measure(pages.slice(0, FIRST))
  const many = await measure(Array.from({ length: RANDOM }, () => random.pick(pages)))
  await server.stop()
  return [...first, ...many].map(Math.round)
}

async function run(folders: string[]) {
  const { bench, tearDown } = await setUp({ scale: 1 }, (line) => console.log(`- ${line}`))
  try {
    await warmDatabase(bench)
    // Its jobs would be counted as the database's time.
    await bench.service.stop()
    const all = folders.map((): number[][] => [])
    for (let seed = 1; seed <= ROUNDS; seed++)
      for (const [n, folder] of folders.entries()) all[n]?.push(await round(bench, folder, seed))
    console.log('µs a page: first page, database; readers at random, database')
    for (const [n, folder] of folders.entries()) {
      const medians = [0, 1, 2, 3].map((k) => median(all[n]?.map((one) => one[k] ?? 0) ?? []))
      console.log(medians.join('\t'), folder, JSON.stringify(all[n]))
    }
  } finally {
    await tearDown()
  }
}

const folders = process.argv.slice(2)
if (folders.length === 0) console.log(HELP)
else await run(folders)
process.exit()
