import { setTimeout as sleep } from 'node:timers/promises'
import { rows, statusOf } from '../database.ts'
import { median } from '../measure.ts'
import { request } from '../processes/requests.ts'
import { startSlowLink } from '../processes/slow-link.ts'
import type { Bench } from '../setup.ts'
import type { Line } from './line.ts'

/** Milliseconds added to each round trip: more than a page takes otherwise. */
const DELAY = 200
/** Milliseconds after the start in which recurring jobs begin. */
const REST = 2_000
/** Users who open connections first, and share no followees with other people. */
const OTHERS = 1_000

export default {
  name: 'statements',
  title: 'statements',
  a: 'SELECTs on the server (`Com_select`) for a first page of a process that has cached nothing',
  unit: 'statements',
  goal: { atMost: 4 },
  async prepare(bench) {
    const trips: number[] = []
    const packets: number[] = []
    const prepared: number[] = []
    return {
      a: async (round) => {
        const page = await coldPage(bench, 1 + round)
        trips.push(page.trips)
        packets.push(page.packets)
        prepared.push(page.prepared)
        return page.selects
      },
      warmUps: 0,
      note: () =>
        `${median(packets)} packets and ${median(prepared)} to prepare statements, ${median(trips)} round trips`,
    }
  },
} satisfies Line

async function coldPage(bench: Bench, reader: number) {
  const { pool, ids, sizes, send, tokens, settle, quick } = bench
  const link = await startSlowLink(bench.urlOf())
  const server = await bench.birdhouse(link.url)
  const others = Array.from(
    { length: Math.min(OTHERS, sizes.silent) },
    (_, n) => ids.firstSilent + n,
  )
  const pagesOf = async (users: number[]) =>
    (await tokens(users, server)).map((token) => request('GET /v1/timeline', { token }))
  await send({ port: server.port, requests: await pagesOf(others), connections: 20 })
  const requests = await pagesOf([reader])
  await settle()
  await sleep(quick ? 0 : REST)
  link.setDelay(DELAY)
  await pool.query("SET GLOBAL log_output = 'TABLE'")
  await pool.query('TRUNCATE mysql.general_log')
  await pool.query('SET GLOBAL general_log = 1')
  const before = await statusOf(pool, 'Com_select')
  const { p50 } = await send({ port: server.port, requests, connections: 1 })
  const after = await statusOf(pool, 'Com_select')
  await pool.query('SET GLOBAL general_log = 0')
  link.setDelay(0)
  const counts = await logged(bench)
  await server.stop()
  link.stop()
  return { ...counts, selects: after - before - counts.polls, trips: Math.floor(p50 / DELAY) }
}

/** Counts the SELECTs of idle workers, and all else that was sent for the page. */
async function logged({ pool }: Bench) {
  const [row] = await rows<Record<'polls' | 'packets' | 'prepared', string>>(
    pool,
    `SELECT SUM(executed AND argument LIKE '%select%' AND argument LIKE '%jobs%') AS polls,
       SUM(executed AND argument NOT LIKE '%jobs%' AND argument NOT LIKE 'SHOW GLOBAL%'
         AND argument NOT LIKE 'SET %') AS packets,
       SUM(command_type = 'Prepare') AS prepared
     FROM (SELECT *, command_type IN ('Query', 'Execute') AS executed FROM mysql.general_log) log`,
  )
  return {
    polls: Number(row?.polls),
    packets: Number(row?.packets),
    prepared: Number(row?.prepared),
  }
}
