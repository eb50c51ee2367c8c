import { resolve } from 'node:path'
import { start } from '../../bench/processes/ask.ts'
import { request } from '../../bench/processes/requests.ts'
import { type Stops, startHouse } from '../house.ts'
import { startWorkload } from '../workload.ts'
import type { Answers, Clients } from './clients.ts'
import { openStreams } from './streams.ts'

const CLIENTS = resolve(import.meta.dirname, 'clients.ts')
const TIMES = 10
const SECONDS = 5
/** People, each with an address and a connection, send once a second in all, or as often as one of the crowd. */
const PEOPLE = 50
const CROWD = 1_000
const FEW = 4
/** Connections that keep all processors busy. */
const ENOUGH = 32
/** More than the places of all processes. */
const STREAMS = 40

const overload = (name: string, title: string, isDirect: boolean) => ({
  name,
  title,
  async run(stops: Stops) {
    const { MAX_REQUESTS = '200' } = process.env
    const house = await startHouse(stops, { shippedBalancer: true, env: { MAX_REQUESTS } })
    const { people } = await startWorkload(house.url).then((workload) => workload.stop())
    const requests = people.map(({ token }) => request('GET /v1/timeline', { token }))
    const [first] = house.processes
    const port = isDirect && first ? first.port : Number(new URL(house.url).port)
    const [others, own] = [start(CLIENTS), start(CLIENTS)]
    stops.add(others.stop, own.stop)

    type How = { rate?: number; connections: number; from?: number }
    let networks = 0
    function send(clients: typeof own, { from, ...how }: How, isNice: boolean) {
      const addresses = addressesOf(++networks, from ?? how.connections)
      const all: Clients = { port, requests, seconds: SECONDS, addresses, isNice, ...how }
      return clients.ask<Answers>(all)
    }
    const alone = (rate = PEOPLE) => send(own, { connections: PEOPLE, rate }, false)
    const beside = (rate: number, from: number, ownRate?: number) =>
      Promise.all([send(others, { connections: CROWD, rate, from }, true), alone(ownRate)])

    const ask = () => send(others, { connections: ENOUGH }, true)
    await ask()
    const capacity = rateOf((await ask()).latencies['2xx'])
    const streams = await openStreams(house.url, people, STREAMS)
    const before = await alone()
    const [, usual] = await beside(capacity / 2, CROWD)
    const rate = capacity * TIMES
    const [crowd, inCrowd] = await beside(rate, CROWD, (rate * PEOPLE) / CROWD)
    const after = await alone()
    const [few, besideFew] = await beside(rate, FEW)
    const afterFew = await alone()

    console.log(`\n${name}: ${title}, ${Math.round(capacity)} a second`)
    console.table({
      'people alone': summary(before),
      'people, half of what it can answer': summary(usual),
      [`people, as part of a crowd of ${CROWD}`]: summary(inCrowd),
      'the others of that crowd': summary(crowd),
      'people in the 5 s after it': summary(after),
      [`people, beside ${FEW} addresses`]: summary(besideFew),
      'these addresses': summary(few),
      'people in the 5 s after them': summary(afterFew),
    })
    console.log(`${streams.open()} of ${STREAMS} live streams are still open`)
    streams.close()
  },
})

const MUCH = `a crowd that sends ${TIMES} times as much as it can answer`

export const overloads = [
  overload('overload', `people beside ${MUCH}`, false),
  overload('overload-direct', `${MUCH}, to one process, past HAProxy: MAX_REQUESTS alone`, true),
]

/** So many addresses of 127.`network`.0.0/16. */
const addressesOf = (network: number, count: number) =>
  Array.from({ length: count }, (_, n) => `127.${network}.${Math.floor(n / 250)}.${(n % 250) + 1}`)

const rateOf = (answers: number[] = []) => answers.length / SECONDS

function summary({ latencies, unsent }: Answers) {
  const { '2xx': served = [], 503: refused = [], ...others } = latencies
  const at = (times: number[], share: number) => {
    const time = times.toSorted((a, b) => a - b)[Math.floor(times.length * share)]
    return time === undefined ? '' : Math.round(time * 10) / 10
  }
  return {
    'served a second': Math.round(rateOf(served)),
    'p50, ms': at(served, 0.5),
    'p99, ms': at(served, 0.99),
    '503 a second': Math.round(rateOf(refused)),
    'p50 of 503, ms': at(refused, 0.5),
    'p99 of 503, ms': at(refused, 0.99),
    'other answers': Object.values(others).flat().length,
    'not sent': unsent,
  }
}
