import type { Pool } from 'mysql2/promise'
import { request } from '../processes/requests.ts'
import { CONNECTIONS, type Line, rate, SECONDS, spread } from './line.ts'

/** Readers, in turn. */
const READERS = 1_000

type Page = { items: { id: number }[] }

export default {
  name: 'timeline-page',
  title: 'timeline page',
  a: '`GET /v1/timeline`, signed in, 32 connections',
  b: 'bare Fastify + mysql2 `execute` of the same 20 tweets with authors and counts',
  unit: 'requests/s',
  goal: { atLeast: 1 },
  async prepare({ service, bare, ids, pool, send, tokens }) {
    const readers = [...new Set(spread(READERS, 1, ids.firstReader - 1))]
    const requests = (await tokens(readers)).map((token) => request('GET /v1/timeline', { token }))
    const { port } = service
    const first = await send({ port, requests, connections: 4, bodies: true })
    const pages = (first.bodies ?? []).map((body): Page => JSON.parse(body))
    await materialise(pool, readers, pages)
    const bareRequests = readers.map((id) => request(`GET /timeline/${id}`))
    const load = { connections: CONNECTIONS, seconds: SECONDS }
    return {
      a: () => rate(send({ ...load, port, requests })),
      b: () => rate(send({ ...load, port: bare.port, requests: bareRequests })),
      server: service,
    }
  },
} satisfies Line

/** The table of the bare page: the same tweets that the service shows. */
async function materialise(pool: Pool, readers: number[], pages: Page[]) {
  await pool.query(`CREATE TABLE IF NOT EXISTS bench_pages (reader_id BIGINT UNSIGNED,
    tweet_id BIGINT UNSIGNED, PRIMARY KEY (reader_id, tweet_id))`)
  const rows = pages.flatMap(({ items }, n) => items.map(({ id }) => [readers[n], id]))
  await pool.query('REPLACE INTO bench_pages VALUES ?', [rows])
}
