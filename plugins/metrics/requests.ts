import { Counter, Histogram, type Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** The label of a request that no route takes: its URL is the client's choice. */
const NO_ROUTE = 'none'

/** Counts and times requests by the template of their route. */
export function measureRequests(app: FastifyInstance, registry: Registry) {
  const registers = [registry]
  const requests = new Counter({
    name: 'birdhouse_http_requests_total',
    help: 'Answered requests.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'birdhouse_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, without live streams.',
    labelNames: ['method', 'route'],
    buckets: BUCKETS,
    registers,
  })

  app.addHook('onResponse', (request, reply, done) => {
    const { url, config } = request.routeOptions
    const route = request.is404 || !url ? NO_ROUTE : url
    const labels = { method: request.method, route }
    requests.inc({ ...labels, status: reply.statusCode })
    if (config.limit !== 'stream') durations.observe(labels, reply.elapsedTime / 1000)
    done()
  })
}
