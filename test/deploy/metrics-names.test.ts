import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import getPort from 'get-port'
import t from 'tap'
import { settings } from '../helper.ts'
import { spawnServer } from '../server/spawn.ts'

const ROOT = join(import.meta.dirname, '../..')
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** Names of metrics and the labels that an expression asks for. */
const namesIn = (text: string) =>
  new Set(text.match(/\b(?:birdhouse|nodejs|process)_[a-z\d_]+\b/g) ?? [])

/** Names that a running process exports, with the names of the series of histograms. */
async function exported() {
  const port = String(await getPort({ host: '127.0.0.1' }))
  const env = await settings(t)
  // Every optional part is on, so that its metrics are there.
  const optional = { METRICS_PORT: port, DATABASE_REPLICA_URLS: env.DATABASE_URL ?? '' }
  const server = await spawnServer(t, { ...env, ...optional })
  await server.ready()
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  )
}

const names = await exported()

for (const file of [
  'deploy/prometheus/alerts.yml',
  'deploy/grafana/birdhouse.json',
  'deploy/aws/machine/agent.json',
  'docs/monitoring.md',
])
  t.test(`each metric that ${file} names is exported`, async (t) => {
    const named = namesIn(textOf(file))
    t.ok(named.size > 5, `${named.size} names`)
    t.strictSame(
      [...named].filter((name) => !names.has(name)),
      [],
    )
  })

t.test('docs/monitoring.md describes each metric of Birdhouse and each alert', async (t) => {
  const documented = namesIn(textOf('docs/monitoring.md'))
  const own = [...names].filter((name) => /^birdhouse_.*(?<!_bucket|_count|_sum)$/.test(name))
  t.strictSame(
    own.filter((name) => !documented.has(name)),
    [],
  )
  const alerts = [...textOf('deploy/prometheus/alerts.yml').matchAll(/- alert: (\w+)/g)]
  const page = textOf('docs/monitoring.md')
  t.strictSame(
    alerts.map(([, name]) => name).filter((name) => !page.includes(`\`${name}\``)),
    [],
  )
})
