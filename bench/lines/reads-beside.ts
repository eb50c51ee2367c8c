import type { Bench } from '../setup.ts'
import { SECONDS, WARM_UP } from './many-readers.ts'
import { CLIENT, manyReaders, seeds } from './readers.ts'

/** Reads of many readers, for lines that measure them beside other work. */
export async function readsBeside(bench: Bench) {
  const { service, send, seconds } = bench
  const { requestsTo, order } = await manyReaders(bench)
  const load = { ...CLIENT, port: service.port, requests: await requestsTo(service) }
  const seed = seeds()
  const read = (length: number, beside: object = {}) =>
    send({ ...load, ...beside, seconds: seconds(length), seed: seed() })
  await read(WARM_UP)
  return {
    order,
    read,
    /** Reads before each measurement, because the work beside the last one has evicted values. */
    warm: () => read(SECONDS / 2),
  }
}
