import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import type { House, Stops } from './house.ts'

const RULES = join(import.meta.dirname, '../deploy/prometheus/alerts.yml')
/** Minutes of the rules become so many seconds. */
const SECONDS_PER_MINUTE = 6
/** A metric that is read from a database that hangs takes up to 4 s, and a scrape waits for it. */
const SCRAPE = '5s'
/** Milliseconds in which an alert may still fire after the part is back. */
const LATE = 5_000

/**
 * Scrapes a house with the alert rules of deploy/, at 10 times their speed. @returns a function that ends it with the names
 * of the alerts that have fired
 */
export async function startPrometheus(
  stops: Stops,
  { metricsPorts: { service, balancers } }: House,
) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-prometheus-'))
  stops.add(() => rmSync(folder, { recursive: true, force: true }))
  const rules = readFileSync(RULES, 'utf8').replaceAll(
    /\b(\d+)m\b/g,
    (_, minutes) => `${Number(minutes) * SECONDS_PER_MINUTE}s`,
  )
  writeFileSync(join(folder, 'alerts.yml'), rules)
  const config = join(folder, 'prometheus.yml')
  writeFileSync(config, JSON.stringify(configuration({ birdhouse: service, haproxy: balancers })))
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  )
  stops.add(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(() => {
    throw new Error('Prometheus ended; install it with apt-get install prometheus.')
  })
  ended.catch(() => {})
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await Promise.race([isReady(), ended]))) await sleep(100)

  return async function fired(): Promise<string[]> {
    await sleep(LATE)
    const query = 'count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1h]))'
    const response = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query })}`)
    const { data } = (await response.json()) as Answer
    child.kill('SIGKILL')
    return data.result.map(({ metric }) => metric.alertname)
  }
}

type Answer = { data: { result: { metric: { alertname: string } }[] } }

/** JSON is YAML. */
const configuration = (jobs: Record<string, number[]>) => ({
  global: { scrape_interval: SCRAPE, scrape_timeout: SCRAPE, evaluation_interval: '1s' },
  rule_files: ['alerts.yml'],
  scrape_configs: Object.entries(jobs).map(([job_name, ports]) => ({
    job_name,
    static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
  })),
})
