import { request } from '../processes/requests.ts'
import { BODY, bareTweet, captureTweet } from './bare-tweets.ts'
import { CONNECTIONS, type Line, rate, spread, WRITE_WARM_UPS } from './line.ts'

/** Tweets per measurement, each by another author. */
const COUNT = 2_000

export default {
  name: 'tweet',
  title: 'tweet',
  a: '`POST /v1/tweets`, 32 connections',
  b: 'bare Fastify + mysql2 running the same statements in one transaction',
  unit: 'requests/s',
  goal: { atLeast: 0.8 },
  async prepare(bench) {
    const { service, bare, ids, send, tokens, settle } = bench
    const authors = spread(COUNT, 1, ids.firstReader - 1)
    const requests = (await tokens(authors)).map((token) =>
      request('POST /v1/tweets', { token, body: BODY }),
    )
    const bareRequests = authors.map(bareTweet)
    await bare.ask({ statements: await captureTweet(bench) })
    return {
      a: () => rate(send({ port: service.port, requests, connections: CONNECTIONS })),
      b: () => rate(send({ port: bare.port, requests: bareRequests, connections: CONNECTIONS })),
      after: settle,
      server: service,
      warmUps: WRITE_WARM_UPS,
    }
  },
} satisfies Line
