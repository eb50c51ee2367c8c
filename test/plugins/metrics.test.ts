import { sql } from 'drizzle-orm'
import getPort from 'get-port'
import t, { type Test } from 'tap'
import { type App, call, drained, settings, setUp, signUp, tweet } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

const port = await twoPorts()

/** The first of two free ports in a row. */
async function twoPorts(): Promise<number> {
  const first = await getPort({ host: '127.0.0.1' })
  const second = await getPort({ host: '127.0.0.1', port: first + 1 })
  return second === first + 1 ? first : twoPorts()
}

/** Scrapes the real port; returns the value of each series. */
async function scrape(from = port) {
  const answer = await fetch(`http://127.0.0.1:${from}/metrics`)
  const lines = (await answer.text()).split('\n').filter((line) => line && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

const start = (test: Test, more = {}) => setUp(test, { METRICS_PORT: String(port), ...more })

t.test('requests are counted by the template of their route, unknown URLs together', async (t) => {
  const app = await start(t)
  const ann = await signUp(app)
  const { id } = await tweet(app, ann)
  for (const path of [`tweets/${id}`, 'tweets/999999', 'a/b', 'no-such-path'])
    await call(app, `GET /v1/${path}`)
  const values = await scrape()
  const requests = (labels: string) => values.get(`birdhouse_http_requests_total{${labels}}`)
  t.equal(requests('method="GET",route="/v1/tweets/:id",status="200"'), 1)
  t.equal(requests('method="GET",route="/v1/tweets/:id",status="404"'), 1)
  t.equal(requests('method="GET",route="none",status="404"'), 2)
  t.notOk([...values.keys()].some((name) => /999999|no-such-path/.test(name)))
  const { count } = durationOf(values)
  t.equal(count, 2)
})

const durationOf = (values: Map<string, number>) => ({
  count: values.get(
    'birdhouse_http_request_duration_seconds_count{method="GET",route="/v1/tweets/:id"}',
  ),
})

t.test('the queue of jobs is shown by name and state, with the age of the oldest', async (t) => {
  const app = await start(t)
  await tweet(app, await signUp(app))
  await drained(app)
  await addJob(app, 'test.late', sql`NOW(3) - INTERVAL 1 HOUR`, null)
  await addJob(app, 'test.later', sql`NOW(3) + INTERVAL 1 HOUR`, null)
  await addJob(app, 'test.dead', sql`NOW(3)`, sql`NOW(3)`)
  const values = await scrape()
  t.equal(values.get('birdhouse_jobs{name="test.late",state="due"}'), 1)
  t.equal(values.get('birdhouse_jobs{name="test.later",state="later"}'), 1)
  t.equal(values.get('birdhouse_jobs{name="test.dead",state="dead"}'), 1)
  const age = values.get('birdhouse_jobs_oldest_due_seconds{name="test.late"}') ?? 0
  t.ok(age >= 3_600 && age < 3_700, `${age} s`)
  t.ok(values.get('birdhouse_job_attempts_total{name="timeline.fanOut",outcome="done"}'))
  t.equal(values.get('birdhouse_timeline_fan_out_lag_seconds'), 0)
})

/** A row without a handler, so that no worker takes it. */
const addJob = ({ db }: App, name: string, runAt: unknown, deadAt: unknown) =>
  db.execute(
    sql`INSERT INTO jobs (name, payload, run_at, dead_at, created_at) VALUES (${name}, '{}', ${runAt}, ${deadAt}, NOW(3))`,
  )

t.test('refusals by limits, cache reads and health checks are counted', async (t) => {
  const app = await start(t, { LIMIT_READ: 'account 3/min' })
  const ann = await signUp(app)
  const { id } = await tweet(app, ann)
  for (let i = 0; i < 5; i++) await call(app, `GET /v1/tweets/${id}`, { as: ann })
  const values = await scrape()
  t.equal(values.get('birdhouse_limited_total{class="read"}'), 2)
  t.ok(values.get('birdhouse_cache_reads_total{topic="user",result="hit"}'))
  t.equal(values.get('birdhouse_health_check{check="database"}'), 1)
  t.ok(values.get('birdhouse_db_connections{state="idle"}'))
  t.equal(values.get('birdhouse_password_hashes{state="waiting"}'), 0)
})

t.test('a metric that cannot be read leaves the others', async (t) => {
  const app = await start(t)
  await app.db.execute(sql`DROP TABLE timeline_entries`)
  await app.db.execute(sql`RENAME TABLE jobs TO jobs_away`)
  const values = await scrape()
  t.notOk(values.has('birdhouse_jobs{name="cache.purge",state="later"}'))
  t.equal(values.get('birdhouse_live_streams'), 0)
})

t.test(
  'the processes of PM2 listen on ports in a row, on the loopback address alone',
  async (t) => {
    const shared = { ...(await settings(t)), METRICS_PORT: String(port) }
    const [first, second] = await Promise.all([
      spawnServer(t, { ...shared, NODE_APP_INSTANCE: '0' }),
      spawnServer(t, { ...shared, NODE_APP_INSTANCE: '1', HOST: '0.0.0.0' }),
    ])
    await Promise.all([first.ready(), second.ready()])
    for (const each of [port, port + 1])
      t.ok((await scrape(each)).has('birdhouse_requests_at_work'))
    t.equal((await fetch(`${first.url}/metrics`)).status, 404, 'not on the port of the API')
    const other = `http://127.0.0.2:${port + 1}/metrics`
    await t.rejects(fetch(other), 'not on other addresses')
  },
)

t.test('a port that is taken stops the start with the name of the setting', async (t) => {
  await start(t)
  await t.rejects(start(t), /^METRICS_PORT: .*EADDRINUSE.*; set it to a free port\.$/)
})
