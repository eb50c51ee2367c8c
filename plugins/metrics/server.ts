import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger } from 'fastify'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

/** Serves `/metrics` on a port of its own, so that no client of the API can read it. */
export function serveMetrics(registry: Registry, log: FastifyBaseLogger) {
  const server = createServer(async ({ url }, response) => {
    if (url !== '/metrics') return response.writeHead(404).end()
    try {
      const text = await registry.metrics()
      response.writeHead(200, { 'content-type': registry.contentType }).end(text)
    } catch (err) {
      log.error({ err }, 'the metrics could not be collected')
      response.writeHead(500).end()
    }
  })

  return {
    /** @throws Error that names the setting when the port cannot be used */
    async listen({ host, port }: { host: string; port: number }) {
      const listening = once(server, 'listening')
      server.listen(port, host)
      await listening.catch((cause: Error) => {
        throw new Error(`METRICS_PORT: ${cause.message}; set it to a free port.`, { cause })
      })
    },
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
