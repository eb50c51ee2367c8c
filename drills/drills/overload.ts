import { setTimeout as sleep } from 'node:timers/promises'
import { once, repeatedly } from '../../bench/attacks/scenario.ts'
import { request } from '../../bench/processes/requests.ts'
import type { createStops } from '../../bench/stops.ts'
import { startHouse } from '../house.ts'
import { startWorkload } from '../workload.ts'

const USUAL = 32
const MANY = 320
const SECONDS = 8

export const overload = {
  name: 'overload',
  title: `${MANY} connections, ten times the usual ${USUAL}, with a bound and a short queue in HAProxy`,
  async run(stops: ReturnType<typeof createStops>) {
    const house = await startHouse(stops, { most: 16, queue: 200 })
    const workload = await startWorkload(house.url)
    const { people } = await workload.stop()
    const port = Number(new URL(house.url).port)
    const clients = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        from: '127.0.0.1',
        requests: [request('GET /v1/timeline', { token: people[n % people.length]?.token ?? '' })],
      }))
    const usual = await load(port, clients(USUAL))
    const many = await load(port, clients(MANY))
    const after = await once(port, clients(USUAL))
    console.log(`\noverload: ${this.title}`)
    console.table({ usual: summary(usual), overload: summary(many), after: summary(after) })
  },
}

async function load(port: number, clients: Parameters<typeof repeatedly>[1]) {
  const end = new AbortController()
  const running = repeatedly(port, clients, end.signal)
  await sleep(SECONDS * 1000)
  end.abort()
  return running
}

function summary({ latencies, answers }: Awaited<ReturnType<typeof load>>) {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  return { ...answers, 'p50, ms': at(0.5), 'p99, ms': at(0.99) }
}
