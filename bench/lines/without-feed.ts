import type { Bench } from '../setup.ts'
import { onceEach } from './first-page.ts'
import { type Line, rate } from './line.ts'
import { SECONDS } from './many-readers.ts'
import { CLIENT, manyReaders, seeds } from './readers.ts'

/** The account whose sessions assign ids in steps, as those of a Galera node do. */
const USER = 'cluster'

export default {
  name: 'without-feed',
  title: 'without the feed',
  a: 'many readers of a process without the change feed, as on a cluster',
  b: 'first page, with the feed',
  unit: 'requests/s',
  goal: { atLeast: 0.77 },
  async prepare(bench) {
    const { send, seconds } = bench
    const { requestsTo } = await manyReaders(bench)
    const without = await bench.birdhouse(await stepped(bench))
    const withFeed = await bench.birdhouse()
    const load = { ...CLIENT, port: without.port, requests: await requestsTo(without) }
    const seed = seeds()
    return {
      a: () => rate(send({ ...load, seconds: seconds(SECONDS), seed: seed() })),
      b: onceEach(bench, withFeed, await requestsTo(withFeed)),
      warmUps: 0,
      server: without,
      end: async () => {
        await without.stop()
        await withFeed.stop()
      },
    }
  },
} satisfies Line

/**
 * The URL of the same data for an account whose `auto_increment_increment` is 2, by which the service knows
 * that ids are not in order of time. `init_connect` affects only accounts without SUPER, so this one alone.
 */
async function stepped({ pool, urlOf }: Bench) {
  const url = new URL(urlOf())
  const account = `${USER}@'127.0.0.1'`
  await pool.query(`CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ?`, [url.password])
  // Only root may grant; a procedure runs as its definer.
  await pool.query(`CREATE OR REPLACE DEFINER = root@localhost PROCEDURE bench_grant()
    GRANT ALL ON ${url.pathname.slice(1)}.* TO ${account}`)
  await pool.query('CALL bench_grant()')
  await pool.query(`SET GLOBAL init_connect = 'SET SESSION auto_increment_increment = 2'`)
  url.username = USER
  return url.href
}
