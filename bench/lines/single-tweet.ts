import { request } from '../processes/requests.ts'
import { CONNECTIONS, type Line, rate, SECONDS, spread } from './line.ts'

/** Tweets to read in turn. */
const TWEETS = 10_000

export default {
  name: 'single-tweet',
  title: 'single tweet',
  a: '`GET /v1/tweets/:id`, 10,000 tweets read again (warm), 32 connections',
  b: 'bare Fastify + one primary-key SELECT with author',
  unit: 'requests/s',
  goal: { atLeast: 0.85 },
  async prepare({ service, bare, sizes, send }) {
    const tweets = spread(TWEETS, 1, sizes.tweets)
    const load = { connections: CONNECTIONS, seconds: SECONDS }
    const requests = tweets.map((id) => request(`GET /v1/tweets/${id}`))
    const bareRequests = tweets.map((id) => request(`GET /tweets/${id}`))
    return {
      a: () => rate(send({ ...load, port: service.port, requests })),
      b: () => rate(send({ ...load, port: bare.port, requests: bareRequests })),
      server: service,
    }
  },
} satisfies Line
