import { request } from '../processes/requests.ts'
import type { Bench } from '../setup.ts'
import { nextLikers } from './likers.ts'
import { type Line, spread } from './line.ts'

/** Minutes after the start at which memory is measured. */
const LATE = 10
const EARLY = 1
/** Seconds of each part of the mixed load. */
const TURN = 2
const CONNECTIONS = 16

export default {
  name: 'memory',
  title: 'memory',
  a: 'RSS after 10 minutes of mixed load',
  b: 'after 1 minute',
  unit: 'MB',
  goal: { atMost: 1.15, below: 200 },
  async prepare(bench) {
    let early = 0
    return {
      b: async () => {
        early = await rssAfter(bench, EARLY)
        return early
      },
      a: () => rssAfter(bench, LATE - EARLY),
      bFirst: true,
      rounds: 1,
    }
  },
} satisfies Line

/** Megabytes. */
async function rssAfter(bench: Bench, minutes: number) {
  const end = performance.now() + minutes * 60_000
  for (let turn = 0; performance.now() < end; turn++) await mixed(bench, turn)
  const { rss } = await bench.service.ask<{ rss: number }>({ rss: true })
  return rss / 1e6
}

/** Mostly reads, and some of every other measured request. */
async function mixed(bench: Bench, turn: number) {
  const { service, ids, sizes, send, tokens } = bench
  const people = spread(200, 1 + (turn % 97), ids.firstReader - 1)
  const signed = await tokens(people)
  const body = { text: `a tweet of turn ${turn}` }
  const likers = await nextLikers(bench, 200, 'spread')
  const read = [
    ...signed.map((token) => request('GET /v1/timeline', { token })),
    ...spread(200, 1, sizes.tweets).map((id) => request(`GET /v1/tweets/${id}`)),
  ]
  const write = [
    ...signed.slice(0, 50).map((token) => request('POST /v1/tweets', { token, body })),
    ...likers.map(({ token, tweetId }) => request(`PUT /v1/tweets/${tweetId}/like`, { token })),
  ]
  const load = { port: service.port, connections: CONNECTIONS }
  await send({ ...load, requests: read, seconds: TURN })
  await send({ ...load, requests: write })
}
