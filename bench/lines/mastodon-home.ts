import { request } from '../processes/requests.ts'
import { CONNECTIONS, type Line, rate, SECONDS, spread } from './line.ts'

/** Readers, in turn. */
const READERS = 1_000

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
    const requests = ofApp.map(to('/api/v1/timelines/home'))
    const own = (await tokens(readers)).map(to('/v1/timeline'))
    const load = { connections: CONNECTIONS, port: service.port }
    // A quick run has no round in which caches and the compiler warm up.
    for (const all of [requests, own]) await send({ ...load, requests: all })
    return {
      a: () => rate(send({ ...load, seconds: SECONDS, requests })),
      b: () => rate(send({ ...load, seconds: SECONDS, requests: own })),
      server: service,
    }
  },
} satisfies Line
