import type { WebSocket } from '@fastify/websocket'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'birdhouse'
import { Type } from 'typebox'
import type { Connect, Message } from './connection.ts'
import { createAllowance, obey } from './messages.ts'

/** Bytes buffered for a slow client; above this, it is cut and must connect again. */
const MAX_BUFFERED = 256 * 1024
/** Why a connection ends, RFC 6455, section 7.4.1 and its registry. */
const POLICY = 1008
const TRY_AGAIN = 1012

const Query = Type.Object({
  stream: Type.Optional(Type.String()),
  tag: Type.Optional(Type.String()),
})

/** One socket for any number of streams, which messages begin and end, or for the stream that its address names. */
export function addSocket(app: FastifyInstance, connect: Connect) {
  app.get(
    '/api/v1/streaming',
    { websocket: true, schema: { querystring: Query } },
    (socket, request: FastifyRequest<{ Querystring: { stream?: string; tag?: string } }>) => {
      const connection = connect(request, { send: (message) => send(socket, message), end })
      const isAllowed = createAllowance()
      /** Messages are obeyed one after the other. */
      let queue = Promise.resolve()

      function end(reason: string) {
        socket.close(TRY_AGAIN, reason)
      }

      async function answer(text: string) {
        const wrong = await obey(text, connection).catch((error: FastifyError) => {
          const { status, detail } = app.errors.describe(error, request)
          if (status >= 500) request.log.error({ err: error }, 'a stream could not be opened')
          return { error: detail, status }
        })
        if (wrong) socket.send(JSON.stringify(wrong))
      }

      function take(text: string) {
        queue = queue.then(() => answer(text))
      }

      socket.on('close', () => connection.close())
      socket.on('ping', () => isAllowed() || socket.close(POLICY, 'Too many messages'))
      socket.on('message', (data) => {
        if (isAllowed()) take(String(data))
        else socket.close(POLICY, 'Too many messages')
      })
      const { stream, tag } = request.query
      if (stream !== undefined) take(JSON.stringify({ type: 'subscribe', stream, tag }))
    },
  )
}

function send(socket: WebSocket, message: Message) {
  if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate()
  else socket.send(JSON.stringify(message))
}
