import { setTimeout as sleep } from 'node:timers/promises'
import { answer } from './ask.ts'
import { connectTo } from './connection.ts'

/** Repeats one request at a pace that causes no load. */
export type Pace = { port: number; request: string; seconds: number; every: number }

answer<Pace>(async ({ port, request, seconds, every }) => {
  const connection = await connectTo(port)
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const start = performance.now()
    await connection.send(request)
    latencies.push(performance.now() - start)
    await sleep(every)
  }
  connection.close()
  const sorted = latencies.sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0
  return { p50: at(0.5), p99: at(0.99), count: sorted.length }
})
