import { setImmediate as nextTurn } from 'node:timers/promises'
import type {} from '@fastify/sse'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import { greeting } from './frames.ts'
import type { Places } from './places.ts'

/** Bytes buffered for a slow client; above this, it is cut and must reconnect. */
const MAX_BUFFERED = 256 * 1024
/** Milliseconds in which a client must read a batch of missed events. */
const READ_LIMIT = 20_000
/** Milliseconds from the end of a stream until it is cut if the client has not read it. */
const END_PATIENCE = 1_000
/** Streams written to or ended per turn of the event loop; takes a few milliseconds. */
export const SLICE = 500
/** Seconds in `Retry-After` for a user with too many streams. */
const RETRY_AFTER = 60

export type Stream = {
  userId: number
  request: FastifyRequest
  reply: FastifyReply
  /** Every event up to this number has been sent, or was not for this user. */
  position: number
  live: boolean
  leave: () => void
  /** Times of the next token check and the next heartbeat, in milliseconds. */
  checkAt: number
  beatAt: number
}

export function createStreams(app: FastifyInstance, places: Places) {
  const byUser = new Map<number, Set<Stream>>()

  function add(request: FastifyRequest, reply: FastifyReply): Stream {
    const { userId } = request.viewer
    reply.header('retry-after', RETRY_AFTER)
    const leave = places.takePlace(userId)
    reply.removeHeader('retry-after')
    const state = { position: 0, live: false, checkAt: 0, beatAt: 0 }
    const stream = { userId, request, reply, leave, ...state }
    byUser.set(userId, (byUser.get(userId) ?? new Set()).add(stream))
    reply.sse.onClose(() => remove(stream))
    return stream
  }

  function remove(stream: Stream) {
    const own = byUser.get(stream.userId)
    own?.delete(stream)
    if (own?.size === 0) byUser.delete(stream.userId)
    stream.live = false
    stream.leave()
  }

  /** Sends the headers. `connection: close` lets a client reconnect to another process. */
  function begin({ reply }: Stream) {
    reply.header('connection', 'close')
    reply.sse.keepAlive()
    reply.sse.sendHeaders()
    reply.raw.write(greeting())
  }

  /** Never waits: a client that does not read is cut, and delays nobody else. */
  function write(stream: Stream, bytes: Buffer) {
    const { raw } = stream.reply
    if (raw.writableLength + bytes.length <= MAX_BUFFERED) return void raw.write(bytes)
    cut(stream)
  }

  function cut(stream: Stream) {
    stream.reply.log.info({ userId: stream.userId }, 'cut a stream whose client does not read')
    remove(stream)
    stream.reply.raw.destroy()
  }

  /** Waits until the client has read what was written; cuts a client that takes too long. */
  async function settled(stream: Stream) {
    const { raw } = stream.reply
    if (!raw.writableNeedDrain || !isOpen(stream)) return
    const { promise: read, resolve } = Promise.withResolvers<void>()
    raw.once('drain', resolve).once('close', resolve)
    await app.inTime(read, READ_LIMIT).catch(() => cut(stream))
    raw.off('drain', resolve).off('close', resolve)
  }

  function end({ reply }: Stream) {
    reply.sse.close()
    // The end of an unread stream would otherwise delay the close of the server.
    setTimeout(() => reply.raw.writableFinished || reply.raw.destroy(), END_PATIENCE).unref()
  }

  async function endAll() {
    let ended = 0
    for (const stream of all()) {
      end(stream)
      if (++ended % SLICE === 0) await nextTurn()
    }
  }

  const of = (userId: number) => byUser.get(userId) ?? []
  const isOpen = (stream: Stream) => byUser.get(stream.userId)?.has(stream) === true

  function* all() {
    for (const own of byUser.values()) yield* own
  }

  function* live() {
    for (const stream of all()) if (stream.live) yield stream
  }

  return { add, remove, begin, write, settled, end, endAll, of, isOpen, all, live }
}

export type Streams = ReturnType<typeof createStreams>
