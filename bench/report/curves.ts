import { HISTORIES } from '../data/index.ts'
import { FOLLOWEES, FOLLOWERS, TWEETS } from '../data/sizes.ts'
import { pagesAt, readInTurn, somePeople, stepFurther, walkersFor } from '../lines/pages.ts'
import { request } from '../processes/requests.ts'
import type { Bench } from '../setup.ts'

/** Latencies in milliseconds at each point of a horizontal axis. */
export type Point = { x: number; p50: number; p99: number }
export type Curves = Record<'followees' | 'tweets' | 'depth' | 'followers', Point[]>

const ORDINARY = 100
const DEEPEST = 60
/** Number of readers, and of reads of each page by each reader. */
const PEOPLE = 40
const TIMES = 5

export async function measurePlots(bench: Bench): Promise<Curves> {
  bench.progress('plots: pages by followees, tweets, depth; tweets by followers')
  return {
    depth: await byDepth(bench),
    followees: await byFollowees(bench),
    tweets: await byTweets(bench),
    followers: await byFollowers(bench),
  }
}

async function byFollowees(bench: Bench) {
  const points: Point[] = []
  for (const followees of [...FOLLOWEES, ORDINARY].sort((a, b) => a - b)) {
    const kind = FOLLOWEES.indexOf(followees)
    const readers = kind < 0 ? somePeople(bench, PEOPLE) : bench.ids.readersOf(kind)
    const { p50, p99 } = await readInTurn(bench, await pagesAt(bench, readers, 1))
    points.push({ x: followees, p50, p99 })
  }
  return points
}

async function byTweets(bench: Bench) {
  const points: Point[] = []
  for (const tweets of HISTORIES) {
    const server = await bench.birdhouse(bench.urlOf(tweets))
    const requests = await pagesAt(bench, somePeople(bench, PEOPLE).map(early), 1, server)
    const { p50, p99 } = await readInTurn(bench, requests, 2, server)
    points.push({ x: tweets, p50, p99 })
    await server.stop()
  }
  const requests = await pagesAt(bench, somePeople(bench, PEOPLE).map(early), 1)
  const { p50, p99 } = await readInTurn(bench, requests)
  return [...points, { x: TWEETS, p50, p99 }]
}

/** Shorter histories have only the timelines of the first thousand readers. */
const early = (id: number) => 1 + (id % 1_000)

async function byDepth(bench: Bench) {
  const points: Point[] = []
  let walkers = await walkersFor(bench, somePeople(bench, PEOPLE))
  for (let page = 1; page <= DEEPEST && walkers.length > 0; page++) {
    const requests = walkers.map(({ token, path }) => request(`GET ${path}`, { token }))
    const again = Array.from({ length: TIMES }, () => requests).flat()
    const load = { port: bench.service.port, requests: again, connections: 1 }
    const { p50, p99 } = await bench.send(load)
    points.push({ x: page, p50, p99 })
    walkers = await stepFurther(bench, walkers, bench.service)
  }
  return points
}

async function byFollowers(bench: Bench) {
  const points: Point[] = []
  for (const [kind, followers] of FOLLOWERS.entries()) {
    const [token = ''] = await bench.tokens([bench.ids.authorOf(kind)])
    const tweet = request('POST /v1/tweets', { token, body: { text: 'to all who follow' } })
    const requests = Array.from({ length: 200 }, () => tweet)
    const { p50, p99 } = await bench.send({ port: bench.service.port, requests, connections: 1 })
    points.push({ x: followers, p50, p99 })
    await bench.settle()
  }
  return points
}
