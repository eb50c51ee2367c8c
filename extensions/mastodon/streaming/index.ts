import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import { createConnections } from './connection.ts'
import { addEvents } from './events.ts'
import { createRegistry } from './registry.ts'
import { createRendering } from './rendering.ts'
import { addSocket } from './socket.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The scopes of the token of a stream. */
    streamScopes: string[]
  }
}

/** Bytes of a message, which names a stream and a hashtag. */
const MESSAGE_LIMIT = 4 * 1024
/** Seconds in `Retry-After` for a user with too many streams. */
const RETRY_AFTER = 60

/** Streams of events. Without the extension live there is only the path that tells its health. */
async function streaming(app: FastifyInstance) {
  const live = app.optional('live')
  app.get('/api/v1/streaming/health', async (_request, reply) =>
    reply.type('text/plain').send('OK'),
  )
  if (live) await app.register(async (scope) => addStreams(scope, live))
}

async function addStreams(app: FastifyInstance, live: NonNullable<FastifyInstance['live']>) {
  await app.webSockets.enable(app, { maxPayload: MESSAGE_LIMIT })
  const { tokens } = app.mastodon
  const connect = createConnections(app, live, createRegistry(app), createRendering(app))
  app.decorateRequest('streamScopes')

  app.addHook('onRequest', async (request) => {
    const found = await tokens.ofRequest(request, tokenIn(request))
    await tokens.use(found)
    request.streamScopes = found.scopes.split(' ')
  })
  app.addHook('preHandler', async ({ viewer }, reply) => {
    reply.header('retry-after', RETRY_AFTER)
    const leave = live.takePlace(viewer.userId)
    reply.removeHeader('retry-after')
    reply.raw.once('close', leave)
  })

  addSocket(app, connect)
  addEvents(app, connect)
}

/** A browser sends no headers with a WebSocket but the name of a protocol, so that the token stands there or in the query. */
function tokenIn({ query, headers }: FastifyRequest) {
  const { access_token: token } = query as { access_token?: unknown }
  return typeof token === 'string'
    ? token
    : headers['sec-websocket-protocol']?.split(',')[0]?.trim()
}

export default streaming
