import { createRandom } from '../../demo/random.ts'
import { request } from '../processes/requests.ts'
import type { Bench, Server } from '../setup.ts'
import { fillBarePages } from './bare-pages.ts'
import { CONNECTIONS } from './line.ts'
import { warmDatabase } from './warm-database.ts'

const SEED = 11

export const CLIENT = { connections: CONNECTIONS }

/** All people in random order, and what they send for a first page. */
export async function manyReaders(bench: Bench) {
  await fillBarePages(bench)
  await warmDatabase(bench)
  const order = createRandom(SEED).shuffle(
    Array.from({ length: bench.sizes.people }, (_, n) => n + 1),
  )
  return {
    order,
    requestsTo: async (server: Server) =>
      (await bench.tokens(order, server)).map((token) => request('GET /v1/timeline', { token })),
    bareRequests: order.map((id) => request(`GET /timeline/${id}`)),
  }
}

/** Distinct seeds, so that no measurement repeats the draws of another. */
export const seeds = () => {
  let seed = 100
  return () => seed++
}
