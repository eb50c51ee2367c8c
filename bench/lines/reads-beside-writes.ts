import { median, show } from '../measure.ts'
import { request } from '../processes/requests.ts'
import { BODY } from './bare-tweets.ts'
import type { Line } from './line.ts'
import { SECONDS } from './many-readers.ts'
import { seeds } from './readers.ts'
import { readsBeside } from './reads-beside.ts'

/** Tweets per second. */
const WRITES = 100

export default {
  name: 'reads-beside-writes',
  title: 'reads beside writes',
  a: `many readers while random authors write ${WRITES} tweets/s`,
  b: 'the same without writes',
  unit: 'requests/s',
  goal: { atLeast: 0.8 },
  async prepare(bench) {
    const { order, read, sides } = await readsBeside(bench, SECONDS)
    const tweets = (await bench.tokens(order)).map((token) =>
      request('POST /v1/tweets', { token, body: BODY }),
    )
    const seed = seeds()
    const written: number[] = []
    return {
      ...sides(async () => {
        const steady = { requests: tweets, perSecond: WRITES, seed: seed() }
        const figures = await read({ steady })
        written.push(figures.steady ?? 0)
        return figures.rate
      }),
      note: () => `${show(median(written))} tweets/s written`,
      // A service that answers reads instead of writes does not pass.
      holds: () => bench.quick || median(written) >= 0.9 * WRITES,
    }
  },
} satisfies Line
