import { request } from '../processes/requests.ts'
import { captureTransaction } from './capture.ts'
import { nextLikers } from './likers.ts'
import { CONNECTIONS, type Line, rate, WRITE_WARM_UPS } from './line.ts'

/** Likes per measurement. */
const COUNT = 2_000

export default {
  name: 'like-spread',
  title: 'like, spread',
  a: '`PUT /v1/tweets/:id/like` over many tweets',
  b: 'bare Fastify + mysql2 running the same statements in one transaction',
  unit: 'requests/s',
  goal: { atLeast: 0.8 },
  async prepare(bench) {
    const { service, bare, send, settle } = bench
    const load = { connections: CONNECTIONS }
    const [one] = await nextLikers(bench, 1, 'spread')
    if (!one) throw new Error('The data have no tweet to like.')
    const { userId: user, tweetId: tweet, token } = one
    const like = request(`PUT /v1/tweets/${tweet}/like`, { token })
    await bare.ask({ statements: await captureTransaction(bench, like, { user, tweet }) })
    return {
      a: async () => {
        const pairs = await nextLikers(bench, COUNT, 'spread')
        const requests = pairs.map(({ token, tweetId }) =>
          request(`PUT /v1/tweets/${tweetId}/like`, { token }),
        )
        return rate(send({ ...load, port: service.port, requests }))
      },
      b: async () => {
        const pairs = await nextLikers(bench, COUNT, 'spread')
        const requests = pairs.map(({ userId, tweetId }) =>
          request(`PUT /tweets/${tweetId}/like/${userId}`),
        )
        return rate(send({ ...load, port: bare.port, requests }))
      },
      after: settle,
      server: service,
      warmUps: WRITE_WARM_UPS,
    }
  },
} satisfies Line
