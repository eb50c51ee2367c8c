import type { Bench, Server } from '../setup.ts'
import { type Line, rate } from './line.ts'
import { CLIENT, manyReaders } from './readers.ts'

/** Parts of all readers: one per measurement, and one for the profile. */
const PARTS = 6

export default {
  name: 'first-page',
  title: 'first page',
  a: '`GET /v1/timeline` of a new process, each of 20,000 readers once in random order (cold), 32 connections',
  b: 'bare Fastify + one SELECT of the same 20 tweets with authors and counts, the same readers',
  unit: 'requests/s',
  goal: { atLeast: 0.4 },
  async prepare(bench) {
    const { bare, send } = bench
    const server = await bench.birdhouse()
    const { requestsTo, bareRequests } = await manyReaders(bench)
    const bareParts = partsOf(bareRequests)
    const first = onceEach(bench, server, await requestsTo(server))
    return {
      a: first,
      b: (round) => rate(send({ ...CLIENT, port: bare.port, requests: bareParts(round) })),
      warmUps: 0,
      server,
      end: () => server.stop(),
    }
  },
} satisfies Line

/** Measures the readers of one part, none of whom has read before. */
export function onceEach({ send }: Bench, { port }: Server, requests: string[]) {
  const part = partsOf(requests)
  return (round: number) => rate(send({ ...CLIENT, port, requests: part(round) }))
}

function partsOf(requests: string[]) {
  const size = Math.floor(requests.length / PARTS)
  return (round: number) => {
    const from = Math.min(round, PARTS - 1) * size
    return requests.slice(from, from + size)
  }
}
