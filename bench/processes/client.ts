import { createRandom } from '../../demo/random.ts'
import { answer } from './ask.ts'
import { type Steady, startSteady, startStorm } from './beside.ts'
import { connectTo } from './connection.ts'

/** Requests to send over `connections`; each connection waits for the answer before the next request. */
export type Load = {
  port: number
  /** Sent in this order; with `seconds`, repeated from the first. */
  requests: string[]
  connections: number
  /** Duration; without it, each request is sent once. */
  seconds?: number
  /** With `seconds`: draws requests at random from this seed instead. */
  seed?: number
  /** Sent all at the same time, repeatedly until `seconds` have passed. */
  beside?: string[]
  /** Sent at a steady rate until `seconds` have passed. */
  steady?: Steady
  /** True to return the bodies of the answers. */
  bodies?: boolean
}
/** `steady` is the number of steady requests answered per second. */
export type Figures = {
  rate: number
  p50: number
  p99: number
  count: number
  bodies?: string[]
  steady?: number
}

answer<Load>(async (load) => {
  const { port, beside, steady } = load
  const stopStorm = beside && startStorm(port, beside)
  const stopSteady = steady && startSteady(port, steady)
  const figures = await measure(load)
  await stopStorm?.()
  return { ...figures, ...(stopSteady && { steady: await stopSteady() }) }
})

async function measure({ port, requests, connections, seconds, seed, bodies }: Load) {
  const random = seed === undefined ? undefined : createRandom(seed)
  const latencies: number[] = []
  const answers: string[] = []
  const start = performance.now()
  const end = seconds === undefined ? Number.POSITIVE_INFINITY : start + seconds * 1000
  let next = 0
  async function work() {
    const connection = await connectTo(port)
    while (performance.now() < end && (seconds !== undefined || next < requests.length)) {
      const turn = next++ % requests.length
      const n = random ? random.between(0, requests.length - 1) : turn
      const before = performance.now()
      const body = await connection.send(requests[n] ?? '', bodies)
      latencies.push(performance.now() - before)
      if (bodies) answers[n] = body
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, work))
  const elapsed = performance.now() - start
  const sorted = Float64Array.from(latencies).sort()
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0
  const rate = latencies.length / (elapsed / 1000)
  return {
    rate,
    p50: at(0.5),
    p99: at(0.99),
    count: latencies.length,
    ...(bodies && { bodies: answers }),
  }
}
