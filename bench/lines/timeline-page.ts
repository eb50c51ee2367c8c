import { request } from '../processes/requests.ts'
import { fillBarePages } from './bare-pages.ts'
import { CONNECTIONS, type Line, rate, SECONDS, spread } from './line.ts'

/** Readers, in turn. */
const READERS = 1_000

export default {
  name: 'timeline-page',
  title: 'timeline page',
  a: '`GET /v1/timeline`, 1,000 readers who return (warm), 32 connections',
  b: 'bare Fastify + mysql2 `execute` of the same 20 tweets with authors and counts',
  unit: 'requests/s',
  goal: { atLeast: 1 },
  async prepare(bench) {
    const { service, bare, ids, send, tokens } = bench
    const readers = [...new Set(spread(READERS, 1, ids.firstReader - 1))]
    const requests = (await tokens(readers)).map((token) => request('GET /v1/timeline', { token }))
    await fillBarePages(bench)
    const bareRequests = readers.map((id) => request(`GET /timeline/${id}`))
    const load = { connections: CONNECTIONS, seconds: SECONDS }
    return {
      a: () => rate(send({ ...load, port: service.port, requests })),
      b: () => rate(send({ ...load, port: bare.port, requests: bareRequests })),
      server: service,
    }
  },
} satisfies Line
