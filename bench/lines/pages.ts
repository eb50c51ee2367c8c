import { request } from '../processes/requests.ts'
import type { Bench, Server } from '../setup.ts'

const FIRST = '/v1/timeline?limit=20'

/** Requests for page `page` of each reader, found by paging; readers with fewer pages are left out. */
export async function pagesAt(bench: Bench, readers: number[], page: number, on = bench.service) {
  let walkers = await walkersFor(bench, readers, on)
  for (let n = 1; n < page; n++) walkers = await stepFurther(bench, walkers, on)
  return walkers.map(({ token, path }) => request(`GET ${path}`, { token }))
}

type Walker = { token: string; path: string }

export const walkersFor = async (bench: Bench, readers: number[], on = bench.service) =>
  (await bench.tokens(readers, on)).map((token): Walker => ({ token, path: FIRST }))

export async function stepFurther(bench: Bench, walkers: Walker[], { port }: Server) {
  const requests = walkers.map(({ token, path }) => request(`GET ${path}`, { token }))
  const { bodies = [] } = await bench.send({ port, requests, connections: 4, bodies: true })
  return walkers.flatMap(({ token }, n) => {
    const { nextCursor } = JSON.parse(bodies[n] ?? '{}')
    return nextCursor ? [{ token, path: `${FIRST}&cursor=${nextCursor}` }] : []
  })
}

/** Sequential reads, enough for a stable median. */
export const readInTurn = (bench: Bench, requests: string[], seconds = 2, on = bench.service) =>
  bench.send({ port: on.port, requests, connections: 1, seconds })

/** Ordinary readers, with a hundred followees each. */
export const somePeople = ({ ids }: Bench, count: number) =>
  Array.from({ length: count }, (_, n) => 1 + n * Math.floor((ids.firstReader - 1) / count))
