import { type Line, rate } from './line.ts'
import { CLIENT, manyReaders, seeds } from './readers.ts'

/** Seconds of reads before the first measurement. */
export const WARM_UP = 60
/** Seconds per measurement. */
export const SECONDS = 10

export default {
  name: 'many-readers',
  title: 'many readers',
  a: '`GET /v1/timeline`, 20,000 readers at random, from the second minute on, 32 connections',
  b: 'bare Fastify + one SELECT of the same 20 tweets with authors and counts, the same readers',
  unit: 'requests/s',
  goal: { atLeast: 0.6 },
  async prepare(bench) {
    const { service, bare, send, seconds } = bench
    const { requestsTo, bareRequests } = await manyReaders(bench)
    const [seed, bareSeed] = [seeds(), seeds()]
    const a = { ...CLIENT, port: service.port, requests: await requestsTo(service) }
    const b = { ...CLIENT, port: bare.port, requests: bareRequests }
    await send({ ...a, seconds: seconds(WARM_UP), seed: seed() })
    await send({ ...b, seconds: seconds(SECONDS), seed: bareSeed() })
    const length = seconds(SECONDS)
    return {
      a: () => rate(send({ ...a, seconds: length, seed: seed() })),
      b: () => rate(send({ ...b, seconds: length, seed: bareSeed() })),
      warmUps: 0,
      server: service,
    }
  },
} satisfies Line
