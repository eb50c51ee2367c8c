import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

// Which alerts a fault raises: promtool runs the rules over 20 minutes of series, and the fault begins after 5. The drills
// show the same on a running service (docs/drills.md).

const RULES = join(import.meta.dirname, '../../deploy/prometheus/alerts.yml')
/** Scraped every 15 seconds. */
const [BEFORE, DURING] = [20, 60]

type Series = Record<string, string>
const always = (value: number) => `${value}x${BEFORE + DURING}`
/** The value from the first minutes, then the other one. */
const then = (before: number, during: number) => `${before}x${BEFORE - 1} ${during}x${DURING}`
/** A value for one scrape alone. */
const once = (usual: number, other: number) =>
  `${usual}x${BEFORE - 1} ${other} ${usual}x${DURING - 1}`
/** A counter that grows by so much a scrape. */
const grows = (before: number, during = before) =>
  `0+${before}x${BEFORE - 1} ${before * BEFORE}+${during}x${DURING}`

const requests = (status: number) =>
  `birdhouse_http_requests_total{instance="api0",method="GET",route="/v1/timeline",status="${status}"}`
const duration = (series: string, method = 'GET') =>
  `birdhouse_http_request_duration_seconds_${series.replace('}', `,method="${method}",route="/v1/timeline"}`)}`
const server = (name: string, state: string, proxy = 'birdhouse') =>
  `haproxy_server_status{job="haproxy",proxy="${proxy}",server="${name}",state="${state}"}`
const check = (name: string) => `birdhouse_health_check{check="${name}",instance="api0"}`

const healthy: Series = {
  'up{instance="api0",job="birdhouse"}': always(1),
  'up{instance="api1",job="birdhouse"}': always(1),
  'up{instance="balancer",job="haproxy"}': always(1),
  'process_start_time_seconds{instance="api0",job="birdhouse"}': always(1_000),
  [requests(200)]: grows(1_000),
  [requests(503)]: grows(1),
  [duration('bucket{le="0.1"}')]: grows(995),
  [duration('bucket{le="0.5"}')]: grows(1_000),
  [duration('bucket{le="10"}')]: grows(1_000),
  [duration('bucket{le="+Inf"}')]: grows(1_000),
  [duration('count{}').replace('{,', '{')]: grows(1_000),
  [check('database')]: always(1),
  [check('storage')]: always(1),
  'nodejs_eventloop_lag_p99_seconds{instance="api0"}': always(0.02),
  'birdhouse_requests_at_work{instance="api0"}': always(8),
  'birdhouse_db_waiting{instance="api0"}': always(0),
  'birdhouse_jobs_oldest_due_seconds{name="timeline.fanOut"}': always(1),
  'birdhouse_jobs{name="timeline.fanOut",state="dead"}': always(0),
  birdhouse_timeline_fan_out_lag_seconds: always(1),
  birdhouse_pictures_waiting: always(2),
  'birdhouse_password_hashes{state="waiting"}': always(1),
  'birdhouse_limited_total{class="read"}': grows(1),
  [server('api0', 'UP')]: always(1),
  [server('api0', 'DOWN')]: always(0),
}

const unavailable = { [requests(503)]: grows(1, 300) }
const stuck = {
  [duration('bucket{le="10"}', 'POST')]: grows(100, 95),
  [duration('count{}', 'POST').replace('{,', '{')]: grows(100),
}

const faults: [fault: string, series: Series, alerts: string[]][] = [
  ['no fault', {}, []],
  [
    'a reload, which replaces each process once',
    {
      'up{instance="api0",job="birdhouse"}': once(1, 0),
      'process_start_time_seconds{instance="api0",job="birdhouse"}': then(1_000, 1_300),
      [check('storage')]: once(1, 0),
    },
    [],
  ],
  [
    'a process that is gone',
    { 'up{instance="api0",job="birdhouse"}': then(1, 0) },
    ['ProcessDown'],
  ],
  [
    'a process that was killed twice',
    {
      'process_start_time_seconds{instance="api0",job="birdhouse"}': `1000x19 1300x8 1420x${DURING - 9}`,
    },
    ['Restarts'],
  ],
  [
    'a database that does not answer',
    { ...unavailable, [check('database')]: then(1, 0) },
    ['CheckFailing', 'Errors'],
  ],
  ['a database without connections or space', unavailable, ['Errors']],
  [
    'the store of pictures, Redis or mail away',
    { [check('storage')]: then(1, 0) },
    ['CheckFailing'],
  ],
  ['a lock on a row', stuck, ['RequestsStuck']],
  ['a lock on a table', { ...stuck, ...unavailable }, ['Errors', 'RequestsStuck']],
  [
    'a balancer that is gone',
    {
      'up{instance="balancer",job="haproxy"}': then(1, 0),
      [requests(200)]: grows(1_000, 0),
      [requests(503)]: grows(1, 0),
    },
    ['BalancerDown', 'NoRequests'],
  ],
  [
    'a node of a cluster that is gone',
    {
      [server('db0', 'UP', 'galera')]: then(1, 0),
      [server('db0', 'DOWN', 'galera')]: then(0, 1),
      [server('db1', 'DOWN', 'galera')]: always(0),
    },
    ['Failover', 'ServerDown'],
  ],
  [
    'a primary that was replaced',
    {
      [server('db0', 'UP', 'primary')]: then(1, 0),
      [server('db0', 'DOWN', 'primary')]: then(0, 1),
      [server('db1', 'UP', 'primary')]: then(0, 1),
      [server('db1', 'DOWN', 'primary')]: then(1, 0),
    },
    ['Failover'],
  ],
  [
    'slow reads',
    {
      [duration('bucket{le="0.1"}')]: grows(995, 500),
      [duration('bucket{le="0.5"}')]: grows(1_000, 950),
    },
    ['Slow'],
  ],
  [
    'no free connection',
    { 'birdhouse_db_waiting{instance="api0"}': then(0, 5) },
    ['PoolExhausted'],
  ],
  [
    'ten times the load',
    { 'birdhouse_requests_at_work{instance="api0"}': then(8, 198) },
    ['FullOfRequests'],
  ],
  [
    'a blocked event loop',
    { 'nodejs_eventloop_lag_p99_seconds{instance="api0"}': then(0.02, 0.6) },
    ['EventLoopBlocked'],
  ],
  [
    'jobs that nobody runs',
    { 'birdhouse_jobs_oldest_due_seconds{name="timeline.fanOut"}': then(1, 200) },
    ['JobsLate'],
  ],
  [
    'a job that fails for good',
    { 'birdhouse_jobs{name="timeline.fanOut",state="dead"}': then(0, 1) },
    ['JobsDead'],
  ],
  ['slow fan-out', { birdhouse_timeline_fan_out_lag_seconds: then(1, 90) }, ['FanOutLate']],
  ['a queue of pictures', { birdhouse_pictures_waiting: then(2, 50) }, ['PicturesQueue']],
  [
    'many logins',
    { 'birdhouse_password_hashes{state="waiting"}': then(1, 40) },
    ['PasswordsQueue'],
  ],
  [
    'a client that sends too much',
    { 'birdhouse_limited_total{class="read"}': grows(1, 300) },
    ['ManyLimited'],
  ],
]

const EVER_FIRED = 'group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[20m]))'
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

const scenario = ([fault, series, alerts]: (typeof faults)[number]) => ({
  name: fault,
  interval: '15s',
  input_series: Object.entries({ ...healthy, ...series }).map(([name, values]) => ({
    series: name,
    values,
  })),
  promql_expr_test: [
    {
      expr: EVER_FIRED,
      eval_time: '20m',
      exp_samples: alerts.map((name) => ({ labels: `{alertname="Birdhouse${name}"}`, value: 1 })),
    },
  ],
})

const skip = !hasPromtool && 'apt-get install prometheus'
t.test('each fault raises its alerts and no others', { skip }, async (t) => {
  const file = join(t.testdir(), 'alerts.json')
  const tests = { rule_files: [RULES], evaluation_interval: '15s', tests: faults.map(scenario) }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(tests))
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file])
  t.equal(status, 0, 'promtool agrees', { promtool: `${stdout}${stderr}` })
})

t.test('each alert has a fault', async (t) => {
  const named = new Set(faults.flatMap(([, , alerts]) => alerts.map((name) => `Birdhouse${name}`)))
  const all = readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)
  t.strictSame(
    [...all].map(([, name = '']) => name).filter((name) => !named.has(name)),
    [],
  )
})
