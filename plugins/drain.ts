import { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    drain: ReturnType<typeof createDrain>
  }
}

/** Milliseconds that kept-alive connections get to come by and be told to close. */
const PATIENCE = 5_000
const POLL = 50

function createDrain(app: FastifyInstance) {
  let draining = false

  /**
   * Takes no new connections and lets those that exist finish: each answer from now on closes its
   * connection. Closing an idle connection at once instead would fail a request just sent on it.
   */
  async function begin() {
    draining = true
    if (!app.server.listening) return
    // http.Server#close would close idle connections; net.Server#close only stops accepting.
    Server.prototype.close.call(app.server, () => {})
    const deadline = performance.now() + PATIENCE
    while ((await connections()) > 0 && performance.now() < deadline) await sleep(POLL)
  }

  const connections = () =>
    new Promise<number>((resolve) => {
      app.server.getConnections((error, count) => resolve(error ? 0 : count))
    })

  return { begin, active: () => draining }
}

export default fp(
  async (app) => {
    app.decorate('drain', createDrain(app))
    app.addHook('onSend', async (_request, reply) => {
      if (app.drain.active()) reply.header('connection', 'close')
    })
  },
  { name: 'drain' },
)
