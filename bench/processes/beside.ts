import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../demo/random.ts'
import { connectTo } from './connection.ts'

/** Requests drawn at random from a seed, `perSecond` a second, whether or not earlier ones are answered. */
export type Steady = { requests: string[]; perSecond: number; seed: number }

/** Requests that may wait for their answers; above this, requests are left out. */
const MAX_WAITING = 64
/** Milliseconds between looks at the clock. */
const LOOK = 5

/** Returns a function that stops and returns the number of requests answered per second. */
export function startSteady(port: number, { requests, perSecond, seed }: Steady) {
  const random = createRandom(seed)
  const idle: Awaited<ReturnType<typeof connectTo>>[] = []
  const waiting = new Set<Promise<void>>()
  const start = performance.now()
  let [due, answered, stopped] = [0, 0, false]
  let failure: Error | undefined
  const running = run()

  async function run() {
    while (!stopped) {
      const wanted = ((performance.now() - start) / 1000) * perSecond
      for (; due < wanted; due++) if (waiting.size < MAX_WAITING) launch()
      await sleep(LOOK)
    }
  }

  function launch() {
    const sending = sendOne()
      .catch((error) => {
        failure = error
      })
      .finally(() => waiting.delete(sending))
    waiting.add(sending)
  }

  async function sendOne() {
    const connection = idle.pop() ?? (await connectTo(port))
    await connection.send(random.pick(requests))
    answered++
    idle.push(connection)
  }

  return async () => {
    const rate = answered / ((performance.now() - start) / 1000)
    stopped = true
    await running
    await Promise.all(waiting)
    for (const connection of idle) connection.close()
    if (failure) throw failure
    return rate
  }
}

/** Sends all requests at once, each again after its answer. Returns a function that stops. */
export function startStorm(port: number, requests: string[]) {
  let stopped = false
  const running = Promise.all(
    requests.map(async (request) => {
      const connection = await connectTo(port)
      while (!stopped) {
        await connection.send(request)
        await sleep(0)
      }
      connection.close()
    }),
  )
  return () => {
    stopped = true
    return running
  }
}
