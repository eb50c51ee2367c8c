import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyInstance } from 'fastify'
import { EXPOSED, headersOfEveryAnswer } from '../security.ts'

type Refusal = { status: number; code: string; detail: string }

const BAD_REQUEST = {
  status: 400,
  code: 'BAD_REQUEST',
  detail: 'This is not a valid HTTP/1.1 request.',
}

const REFUSALS: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'HEADERS_TOO_LARGE',
    detail: 'The URL and the headers exceed 16 KB; shorten them.',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'BODY_TOO_LARGE',
    detail: 'The extensions of a chunk are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'REQUEST_TOO_SLOW',
    detail: 'The request did not arrive in time; send it faster.',
  },
}

const responses = new WeakMap<Socket, ServerResponse>()

/** Records the response in progress of each socket. */
export function trackResponses(server: Server) {
  server.prependListener('request', ({ socket }, response) => {
    responses.set(socket, response)
    response.once('close', () => responses.delete(socket))
  })
}

/** Fastify's `clientErrorHandler`: answers errors of the HTTP parser, which reach no route and no hook. */
export function refuseClient(this: FastifyInstance, error: ConnectionError, socket: Socket) {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, code, detail } = REFUSALS[error.code] ?? BAD_REQUEST
  const id = crypto.randomUUID()
  this.log.info({ reqId: id, code: error.code, reason: error.message }, 'request refused')
  // A second response must not be written into a response that has begun, as in Node's default handler.
  if (socket.writable && !responses.get(socket)?.headersSent)
    socket.write(answer(status, code, detail, id))
  socket.destroy(error)
}

function answer(status: number, code: string, detail: string, id: string) {
  const title = STATUS_CODES[status]
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code })
  const headers = {
    ...headersOfEveryAnswer(),
    'x-request-id': id,
    // The origin is unknown, and the answer holds no user's data.
    'access-control-allow-origin': '*',
    'access-control-expose-headers': EXPOSED.join(', '),
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${title}`, ...lines, '', body].join('\r\n')
}
