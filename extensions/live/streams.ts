import { setImmediate as nextTurn } from 'node:timers/promises'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import pTimeout from 'p-timeout'
import { greeting } from './frames.ts'

/** Bytes that wait in this process for a client that reads too slowly; then it must reconnect. */
const MAX_BUFFERED = 256 * 1024
/** Milliseconds to read a part of what was missed. */
const READ_LIMIT = 20_000
/** Milliseconds an ended stream gets to be read to its end before it is cut. */
const END_PATIENCE = 1_000
/** Streams written to or ended before others get their turn: a few milliseconds. */
export const SLICE = 500
/** Seconds after which one who has too many streams open may try again. */
const RETRY_AFTER = 60

const TooManyStreams = createError(
  'TOO_MANY_STREAMS',
  'You have %s streams open here, which is as many as you may; close one first.',
  429,
)

export type Stream = {
  userId: number
  request: FastifyRequest
  reply: FastifyReply
  /** Everything up to this number has been told, or was not for this user. */
  position: number
  live: boolean
  /** When its token is looked at again, and when it gets a heartbeat; milliseconds. */
  checkAt: number
  beatAt: number
}

export function createStreams(app: FastifyInstance) {
  const byUser = new Map<number, Set<Stream>>()

  function add(request: FastifyRequest, reply: FastifyReply): Stream {
    const { userId } = request.viewer
    const own = byUser.get(userId) ?? new Set()
    const max = app.config.live.LIVE_STREAMS_PER_USER
    if (own.size >= max) {
      reply.header('retry-after', RETRY_AFTER)
      throw new TooManyStreams(max)
    }
    const stream = { userId, request, reply, position: 0, live: false, checkAt: 0, beatAt: 0 }
    byUser.set(userId, own.add(stream))
    reply.sse.onClose(() => remove(stream))
    return stream
  }

  function remove(stream: Stream) {
    const own = byUser.get(stream.userId)
    own?.delete(stream)
    if (own?.size === 0) byUser.delete(stream.userId)
    stream.live = false
  }

  /** Sends the headers. Who reconnects should meet another process, so the connection is closed. */
  function begin({ reply }: Stream) {
    reply.header('connection', 'close')
    reply.sse.keepAlive()
    reply.sse.sendHeaders()
    reply.raw.write(greeting())
  }

  /** Never waits: one who doesn't read is cut off, nobody else is held up. */
  function write(stream: Stream, bytes: Buffer) {
    const { raw } = stream.reply
    if (raw.writableLength + bytes.length <= MAX_BUFFERED) return void raw.write(bytes)
    cut(stream)
  }

  function cut(stream: Stream) {
    stream.reply.log.info({ userId: stream.userId }, 'a stream that is not read was cut')
    remove(stream)
    stream.reply.raw.destroy()
  }

  /** Waits until what was written has been read; cuts one that takes too long. */
  async function settled(stream: Stream) {
    const { raw } = stream.reply
    if (!raw.writableNeedDrain || !isOpen(stream)) return
    const { promise: read, resolve } = Promise.withResolvers<void>()
    raw.once('drain', resolve).once('close', resolve)
    await pTimeout(read, { milliseconds: READ_LIMIT }).catch(() => cut(stream))
    raw.off('drain', resolve).off('close', resolve)
  }

  function end({ reply }: Stream) {
    reply.sse.close()
    // The end of a stream nobody reads would be waited for, and hold the server's close up.
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
