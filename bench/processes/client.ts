import { setTimeout as sleep } from 'node:timers/promises'
import { answer } from './ask.ts'
import { connectTo } from './connection.ts'

/** Requests to send over `connections`; each connection waits for the answer before the next request. */
export type Load = {
  port: number
  /** Sent in this order; with `seconds`, repeated from the first. */
  requests: string[]
  connections: number
  /** Duration; without it, each request is sent once. */
  seconds?: number
  /** Sent all at the same time, repeatedly until `seconds` have passed. */
  beside?: string[]
  /** True to return the bodies of the answers. */
  bodies?: boolean
}
export type Figures = { rate: number; p50: number; p99: number; count: number; bodies?: string[] }

answer<Load>(async (load) => {
  const abort = new AbortController()
  const beside = load.beside ? storm(load.port, load.beside, abort.signal) : undefined
  const figures = await measure(load)
  abort.abort()
  await beside
  return figures
})

async function measure({ port, requests, connections, seconds, bodies }: Load) {
  const latencies: number[] = []
  const answers: string[] = []
  const start = performance.now()
  const end = seconds === undefined ? Number.POSITIVE_INFINITY : start + seconds * 1000
  let next = 0
  async function work() {
    const connection = await connectTo(port)
    while (performance.now() < end && (seconds !== undefined || next < requests.length)) {
      const n = next++ % requests.length
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

async function storm(port: number, requests: string[], signal: AbortSignal) {
  await Promise.all(
    requests.map(async (request) => {
      const connection = await connectTo(port)
      while (!signal.aborted) {
        await connection.send(request)
        await sleep(0)
      }
      connection.close()
    }),
  )
}
