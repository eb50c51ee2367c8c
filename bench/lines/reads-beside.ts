import type { Bench } from '../setup.ts'
import { rate, type Sides } from './line.ts'
import { SECONDS, WARM_UP } from './many-readers.ts'
import { CLIENT, manyReaders, seeds } from './readers.ts'

/** Reads of many readers, and the sides of a line that measures them beside other work and without it. */
export async function readsBeside(bench: Bench, length: number) {
  const { service, send, seconds, settle } = bench
  const { requestsTo, order } = await manyReaders(bench)
  const load = { ...CLIENT, port: service.port, requests: await requestsTo(service) }
  const seed = seeds()
  const readFor = (full: number, beside: object = {}) =>
    send({ ...load, ...beside, seconds: seconds(full), seed: seed() })
  const read = (beside?: object) => readFor(length, beside)
  await readFor(WARM_UP)

  /** Reads first, because the work beside the last measurement has evicted values. */
  const warmed = (side: () => Promise<number>) => async () => {
    await readFor(SECONDS / 2)
    return side()
  }
  const sides = (beside: () => Promise<number>) =>
    ({
      a: warmed(beside),
      b: warmed(() => rate(read())),
      after: settle,
      warmUps: 0,
      server: service,
    }) satisfies Sides
  return { order, read, sides }
}
