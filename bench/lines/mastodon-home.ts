import { median } from '../measure.ts'
import { request } from '../processes/requests.ts'
import { CONNECTIONS, type Line, SECONDS, spread } from './line.ts'

/** Readers, in turn. */
const READERS = 1_000

type Usage = { user: number; system: number }

export default {
  name: 'mastodon-home',
  title: 'mastodon home',
  a: '`GET /api/v1/timelines/home` of `extensions/mastodon`, 1,000 readers who return (warm), 32 connections',
  b: '`GET /v1/timeline` of the same readers',
  unit: 'requests/s',
  goal: { atLeast: 0.8 },
  async prepare({ service, ids, send, tokens }) {
    const readers = [...new Set(spread(READERS, 1, ids.firstReader - 1))]
    const { tokens: ofApp } = await service.ask<{ tokens: string[] }>({ appTokens: readers })
    const to = (path: string) => (token: string) => request(`GET ${path}`, { token })
    const load = { connections: CONNECTIONS, port: service.port }

    /** A side, with the processor time of the service for each request in microseconds. */
    function sideOf(requests: string[]) {
      const times: number[] = []
      const used = async () => {
        const { user, system } = await service.ask<Usage>({ cpu: true })
        return user + system
      }
      const measure = async () => {
        const before = await used()
        const { rate, count } = await send({ ...load, seconds: SECONDS, requests })
        times.push(((await used()) - before) / count)
        return rate
      }
      return { measure, time: () => Math.round(median(times)), requests }
    }
    const [a, b] = [
      sideOf(ofApp.map(to('/api/v1/timelines/home'))),
      sideOf((await tokens(readers)).map(to('/v1/timeline'))),
    ]
    // A quick run has no round in which caches and the compiler warm up.
    for (const { requests } of [a, b]) await send({ ...load, requests })
    return {
      a: a.measure,
      b: b.measure,
      server: service,
      note: () => `${a.time()} and ${b.time()} µs of processor time a request`,
    }
  },
} satisfies Line
