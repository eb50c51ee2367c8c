import { FOLLOWERS } from '../data/sizes.ts'
import { request } from '../processes/requests.ts'
import { type Line, p50 } from './line.ts'

/** Tweets per measurement, one after the other. */
const COUNT = 200

export default {
  name: 'tweet-followers',
  title: 'tweet by followers',
  a: '`POST /v1/tweets` of an author with 100,000 followers',
  b: 'with none',
  unit: 'ms',
  goal: { atMost: 1.3 },
  async prepare({ service, ids, send, tokens, settle }) {
    const body = { text: 'to all of you or to nobody' }
    const by = async (followers: number) => {
      const [token = ''] = await tokens([ids.authorOf(FOLLOWERS.indexOf(followers))])
      return Array.from({ length: COUNT }, () => request('POST /v1/tweets', { token, body }))
    }
    const [many, none] = [await by(100_000), await by(0)]
    const post = (requests: string[]) => p50(send({ port: service.port, requests, connections: 1 }))
    return { a: () => post(many), b: () => post(none), after: settle, server: service }
  },
} satisfies Line
