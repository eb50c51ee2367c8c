import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from '../processes/requests.ts'
import type { Bench } from '../setup.ts'

/** Readers per statement and per request to the client. */
const CHUNK = 1_000

type Page = { items: { id: number }[] }

const filled = new Set<string>()

/** The table of the bare page: for each of the people the tweets that the service shows. */
export async function fillBarePages(bench: Bench) {
  const { kept, pool } = bench
  if (filled.has(kept)) return
  // The pages are kept with the data, because reading all of them takes minutes.
  const file = join(kept, 'pages.json')
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await readPages(bench)))
  const pages: number[][] = JSON.parse(readFileSync(file, 'utf8'))
  await pool.query(`CREATE TABLE bench_pages (reader_id BIGINT UNSIGNED,
    tweet_id BIGINT UNSIGNED, PRIMARY KEY (reader_id, tweet_id))`)
  for (let from = 0; from < pages.length; from += CHUNK) {
    const rows = pages
      .slice(from, from + CHUNK)
      .flatMap((ids, n) => ids.map((id) => [from + n + 1, id]))
    await pool.query('INSERT INTO bench_pages VALUES ?', [rows])
  }
  filled.add(kept)
}

/** The ids on the first page of each of the people, by their ids. */
async function readPages({ sizes, service, send, tokens, progress }: Bench) {
  progress('reading the first page of everyone for the bare service, once for these data')
  const pages: number[][] = []
  while (pages.length < sizes.people) {
    const count = Math.min(CHUNK, sizes.people - pages.length)
    const readers = Array.from({ length: count }, (_, n) => pages.length + n + 1)
    const requests = (await tokens(readers)).map((token) => request('GET /v1/timeline', { token }))
    const { bodies } = await send({ port: service.port, requests, connections: 8, bodies: true })
    for (const body of bodies ?? []) {
      const { items }: Page = JSON.parse(body)
      pages.push(items.map(({ id }) => id))
    }
  }
  return pages
}
