import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import { Type } from 'typebox'
import type { Connect, Message } from './connection.ts'

/** Bytes buffered for a slow client; above this, it is cut and must connect again. */
const MAX_BUFFERED = 256 * 1024
/** Milliseconds between signs of life; proxies cut a silent connection after 30 s or more. */
const BEAT = 15_000
/** Milliseconds from the end of a stream until it is cut if the client has not read it. */
const END_PATIENCE = 1_000

/** The path and the name of each stream. */
const PATHS = {
  '/api/v1/streaming/user': 'user',
  '/api/v1/streaming/user/notification': 'user:notification',
  '/api/v1/streaming/public': 'public',
  '/api/v1/streaming/public/local': 'public:local',
  '/api/v1/streaming/public/remote': 'public:remote',
  '/api/v1/streaming/hashtag': 'hashtag',
  '/api/v1/streaming/hashtag/local': 'hashtag:local',
  '/api/v1/streaming/direct': 'direct',
}

const Query = Type.Object({
  tag: Type.Optional(Type.String()),
  only_media: Type.Optional(Type.Boolean()),
})
type Asked = { tag?: string; only_media?: boolean }

/** Server-Sent Events: a path for each stream. */
export function addEvents(app: FastifyInstance, connect: Connect) {
  for (const [path, name] of Object.entries(PATHS)) {
    app.get(
      path,
      { config: { limit: 'stream' }, exposeHeadRoute: false, schema: { querystring: Query } },
      async (request: FastifyRequest<{ Querystring: Asked }>, reply) => {
        const { tag, only_media: onlyMedia } = request.query
        const stream = createEventStream(request, reply)
        const connection = connect(request, stream.transport)
        reply.raw.once('close', () => connection.close())
        const isMedia = onlyMedia && name.startsWith('public')
        await connection.subscribe(isMedia ? `${name}:media` : name, tag)
        stream.begin()
        // A browser connects again after an end, but not after a 503.
        if (app.drain.active()) connection.end('The server restarts; connect again.')
      },
    )
  }
}

function createEventStream(request: FastifyRequest, reply: FastifyReply) {
  const { raw } = reply
  let waiting: string[] | undefined = []
  let isEnding = false

  function begin() {
    // An end of the connection lets a client reconnect to another process.
    reply.header('connection', 'close').header('x-accel-buffering', 'no')
    reply.type('text/event-stream; charset=utf-8').hijack()
    raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
    raw.write(':)\n')
    for (const text of waiting ?? []) raw.write(text)
    waiting = undefined
    const beat = setInterval(() => raw.write(':thump\n'), BEAT).unref()
    raw.once('close', () => clearInterval(beat))
    if (isEnding) end()
  }

  function send({ event, payload }: Message) {
    const text = `event: ${event}\ndata: ${payload}\n\n`
    if (waiting) return void waiting.push(text)
    if (raw.writableLength <= MAX_BUFFERED) return void raw.write(text)
    request.log.info('cut a stream whose client does not read')
    raw.destroy()
  }

  function end() {
    isEnding = true
    if (waiting) return
    raw.end()
    // The end of an unread stream would otherwise delay the close of the server.
    setTimeout(() => raw.destroy(), END_PATIENCE).unref()
  }

  return { begin, transport: { send, end } }
}
