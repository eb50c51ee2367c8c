import { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    drain: ReturnType<typeof createDrain>
  }
}

/**
 * Milliseconds to wait for a next request on each kept-alive connection, whose answer closes it. A load
 * balancer sends one within seconds; outside production, idle browser tabs must not delay Ctrl-C.
 */
const PATIENCE = { production: 5_000, otherwise: 300 }
/** Milliseconds for running requests; this and STOP_TIMEOUT of jobs stay below CLOSE_TIMEOUT in server.ts. */
const REQUEST_PATIENCE = 12_000
const POLL = 25

function createDrain(app: FastifyInstance) {
  const draining = new AbortController()
  let atWork = 0
  app.server.on('request', (_request, response) => {
    atWork++
    response.once('close', () => atWork--)
  })

  /**
   * Stops accepting connections and lets the existing ones finish: from now on each answer closes its
   * connection. Closing an idle connection at once would fail a request that was just sent on it.
   */
  async function begin() {
    draining.abort()
    if (!app.server.listening) return
    const start = performance.now()
    // http.Server#close also closes idle connections; net.Server#close only stops accepting.
    Server.prototype.close.call(app.server, () => {})
    const patience = app.config.production ? PATIENCE.production : PATIENCE.otherwise
    while ((await connections()) > 0 && performance.now() < start + patience) await sleep(POLL)
    while (atWork > 0 && performance.now() < start + REQUEST_PATIENCE) await sleep(POLL)
    // Node does not count a connection without any request as idle (browsers open spare ones), so it
    // would keep the server from closing.
    if (atWork === 0) app.server.closeAllConnections()
  }

  const connections = () =>
    new Promise<number>((resolve) => {
      app.server.getConnections((error, count) => resolve(error ? 0 : count))
    })

  return {
    begin,
    active: () => draining.signal.aborted,
    /** Aborts when draining begins: what would go on for long, such as a stream, ends then. */
    signal: draining.signal,
  }
}

export default fp(
  async (app) => {
    app.decorate('drain', createDrain(app))
    app.addHook('onSend', (_request, reply, _payload, done) => {
      if (app.drain.active()) reply.header('connection', 'close')
      done()
    })
  },
  { name: 'drain', dependencies: ['config'] },
)
