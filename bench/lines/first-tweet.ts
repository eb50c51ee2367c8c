import { createRandom } from '../../demo/random.ts'
import { request } from '../processes/requests.ts'
import { CONNECTIONS, type Line, rate, SECONDS } from './line.ts'
import { seeds } from './readers.ts'
import { warmDatabase } from './warm-database.ts'

/** Tweets drawn per measurement, more than are read in its time. */
const TWEETS = 60_000

export default {
  name: 'first-tweet',
  title: 'first tweet',
  a: '`GET /v1/tweets/:id`, at random of 2,000,000 (cold), 32 connections',
  b: 'bare Fastify + one primary-key SELECT with author',
  unit: 'requests/s',
  goal: { atLeast: 0.6 },
  async prepare(bench) {
    const { service, bare, sizes, send, seconds } = bench
    await warmDatabase(bench)
    const [seed, bareSeed] = [seeds(), seeds()]
    const load = { connections: CONNECTIONS, seconds: seconds(SECONDS) }
    const drawn = (path: string, from: number) => {
      const { between } = createRandom(from)
      const one = () => request(`GET ${path}/${between(1, sizes.tweets)}`)
      return Array.from({ length: TWEETS }, one)
    }
    return {
      a: () => rate(send({ ...load, port: service.port, requests: drawn('/v1/tweets', seed()) })),
      b: () => rate(send({ ...load, port: bare.port, requests: drawn('/tweets', bareSeed()) })),
      server: service,
    }
  },
} satisfies Line
