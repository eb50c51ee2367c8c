import { request } from '../processes/requests.ts'
import { nextLikers } from './likers.ts'
import { CONNECTIONS, type Line, rate, WRITE_WARM_UPS } from './line.ts'

/** Likes per measurement. */
const COUNT = 500

export default {
  name: 'like-hot',
  title: 'like, one hot tweet',
  a: '`PUT /v1/tweets/:id/like`, all on one tweet',
  b: 'the same over many tweets',
  unit: 'requests/s',
  goal: { atLeast: 0.8 },
  async prepare({ service, send, settle, ...bench }) {
    const { port } = service
    const like = async (what: 'spread' | 'one') => {
      const requests = (await nextLikers(bench, COUNT, what)).map(({ token, tweetId }) =>
        request(`PUT /v1/tweets/${tweetId}/like`, { token }),
      )
      return rate(send({ port, requests, connections: CONNECTIONS }))
    }
    return {
      a: () => like('one'),
      b: () => like('spread'),
      after: settle,
      server: service,
      warmUps: WRITE_WARM_UPS,
    }
  },
} satisfies Line
