import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Role } from '../features/feature.ts'
import { inTime } from '../in-time.ts'
import { measureRequests } from './requests.ts'
import { serveMetrics } from './server.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Omit<ReturnType<typeof createMetrics>, 'registry'>
  }
}

type Labels<Label extends string> = Partial<Record<Label, string | number>>
type Description<Label extends string> = { help: string; labels?: Label[] }
type Values<Label extends string> = number | [labels: Labels<Label>, value: number][]

/** Milliseconds in which a gauge must be read; more than a check of health takes. */
const TIMEOUT = 4_000

function createMetrics(app: FastifyInstance) {
  const registry = new Registry()
  const registers = [registry]
  const isOn = app.config.metrics !== undefined

  /** Reads a value at each scrape. A read that fails is logged, and the scrape goes without the value. */
  function gauge<Label extends string>(
    name: string,
    {
      help,
      labels,
      read,
    }: Description<Label> & { read: () => Values<Label> | Promise<Values<Label>> },
  ) {
    const owned = app.features.own(async () => read(), TIMEOUT)
    const labelNames: string[] = labels ?? []
    const metric: Gauge<string> = new Gauge({ name, help, labelNames, registers, collect })

    async function collect(): Promise<void> {
      const values = await inTime(owned(), TIMEOUT).catch((err) => {
        app.log.warn({ err, metric: name }, 'a metric could not be read')
        return labels ? [] : Number.NaN
      })
      if (typeof values === 'number') return metric.set(values)
      metric.reset()
      for (const [labels, value] of values) metric.set(labels, value)
    }
  }

  /** Returns a function that adds to the counter; it does nothing where nobody collects the metrics. */
  function counter<Label extends string = never>(
    name: string,
    { help, labels = [] }: Description<Label>,
  ) {
    const metric = new Counter<string>({ name, help, labelNames: labels, registers })
    return isOn ? (of: Labels<Label>, count = 1) => metric.inc(of, count) : () => {}
  }

  return { gauge, counter, registry }
}

export default fp<{ role: Role }>(
  async (app, { role }) => {
    const { registry, ...metrics } = createMetrics(app)
    app.decorate('metrics', metrics)
    const address = app.config.metrics
    if (!address || role !== 'service') return
    collectDefaultMetrics({ register: registry })
    measureRequests(app, registry)
    const server = serveMetrics(registry, app.log)
    app.addHook('onReady', () => server.listen(address))
    app.addHook('onClose', () => server.close())
  },
  { name: 'metrics', dependencies: ['config', 'features'] },
)
