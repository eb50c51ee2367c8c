import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import createError from '@fastify/error'
import websocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    webSockets: ReturnType<typeof createWebSockets>
  }
  interface RouteOptions {
    websocket?: boolean
  }
}

/** Decides which requests leave HTTP; app.ts gives it to the server. */
export type Upgrade = { isWanted: (request: IncomingMessage) => boolean }

/** Bytes of a message, as of a JSON body. */
const MESSAGE_LIMIT = 64 * 1024
/** Milliseconds between pings; a client that has not answered the last one is cut. */
const BEAT = 30_000
/** Milliseconds in which a client answers a close. */
const END_PATIENCE = 1_000
const GOING_AWAY = 1001
const FAILED = 1011

const NO_ROUTE = 'HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

const UpgradeRequired = createError(
  'UPGRADE_REQUIRED',
  'This route speaks WebSocket; connect with a WebSocket client.',
  426,
)

async function refuse(_request: FastifyRequest, reply: FastifyReply) {
  reply.header('upgrade', 'websocket')
  throw new UpgradeRequired()
}

/** Closes a connection, and cuts it if the client does not answer. */
function close(socket: WebSocket, code: number, reason: string) {
  socket.close(code, reason)
  setTimeout(() => socket.terminate(), END_PATIENCE).unref()
}

/**
 * @fastify/websocket takes all upgrades of the server it is given, so each scope gets an emitter of its own, and the
 * server leaves any other request with the header Upgrade to HTTP.
 */
function createWebSockets(app: FastifyInstance, upgrade: Upgrade) {
  const upgrades = new WeakMap<RouteOptions, EventEmitter>()
  const scopes: FastifyInstance[] = []
  /** Sockets that have not answered the last ping. */
  const silent = new WeakSet<WebSocket>()
  const beat = setInterval(ping, BEAT).unref()

  upgrade.isWanted = (request) =>
    request.headers.upgrade?.toLowerCase() === 'websocket' &&
    !app.drain.active() &&
    emitterOf(request) !== undefined
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node before 24.9 asks nobody before it upgrades.
    if (!upgrade.isWanted(request)) return socket.end(NO_ROUTE)
    emitterOf(request)?.emit('upgrade', request, socket, head)
  })

  function emitterOf({ method, url = '' }: IncomingMessage) {
    const found = app.routesAt(url).find((one) => one.method === method)
    return found && upgrades.get(found.route)
  }

  /** Lets routes of this scope with `websocket: true` speak WebSocket. Call it before the scope's first route. */
  async function enable(scope: FastifyInstance, { maxPayload = MESSAGE_LIMIT } = {}) {
    const emitter = new EventEmitter()
    scopes.push(scope)
    scope.addHook('onRoute', (route) => {
      if (!route.websocket || route.method === 'HEAD') return
      upgrades.set(route, emitter)
      const { handler: wsHandler } = route
      // The package would answer other requests with an empty 404.
      Object.assign(route, { wsHandler, handler: refuse, websocket: false })
      route.schema = { ...route.schema, hide: true }
    })
    await scope.register(websocket, {
      // The emitter stands for a server, of which the package uses the event alone.
      options: { server: emitter as typeof app.server, maxPayload },
      errorHandler: (error, socket, request) => {
        request.log.info({ err: error }, 'a WebSocket failed')
        close(socket, FAILED, '')
      },
      preClose: (done) => done(),
    })
  }

  function* sockets() {
    for (const { websocketServer } of scopes) yield* websocketServer.clients
  }

  function ping() {
    for (const socket of sockets()) {
      if (silent.has(socket)) {
        socket.terminate()
        continue
      }
      silent.add(socket)
      socket.once('pong', () => silent.delete(socket))
      socket.ping()
    }
  }

  function endAll() {
    clearInterval(beat)
    for (const socket of sockets()) close(socket, GOING_AWAY, 'The server restarts; connect again.')
  }

  return { enable, endAll }
}

export default fp<{ upgrade: Upgrade }>(
  async (app, { upgrade }) => {
    app.decorate('webSockets', createWebSockets(app, upgrade))
    app.drain.signal.addEventListener('abort', app.webSockets.endAll)
    // For a close without draining, as in tests.
    app.addHook('preClose', async () => app.webSockets.endAll())
  },
  { name: 'websockets', dependencies: ['drain', 'route-table'] },
)
