import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import { createArrivals } from './arrivals.ts'
import { type Channel, channelOf } from './channels.ts'
import type { Registry } from './registry.ts'
import type { createRendering } from './rendering.ts'

/** Streams of one connection, at most. */
const MOST = 30
/** Milliseconds for the statements of a subscription or an event. */
const LIMIT = 10_000

const TooManySubscriptions = createError(
  'TOO_MANY_SUBSCRIPTIONS',
  `A connection can have at most ${MOST} streams`,
  422,
)

export type Message = { stream: string[]; event: string; payload: string }
/** How a connection speaks: by WebSocket or Server-Sent Events. */
export type Transport = { send: (message: Message) => void; end: (reason: string) => void }

type Rendering = ReturnType<typeof createRendering>
type Live = NonNullable<FastifyInstance['live']>
type Item = Parameters<Parameters<Live['listen']>[2]>[0]

/** Connects streams to what happens. Call it while the routes are loaded. */
export function createConnections(
  app: FastifyInstance,
  live: Live,
  registry: Registry,
  { statusOf }: Rendering,
) {
  const listen = app.features.own(live.listen, LIMIT, 'streaming')
  const arrivalsOf = app.features.own(createArrivals, LIMIT, 'streaming')
  const within = app.features.own((read: () => Promise<string[]>) => read(), LIMIT, 'streaming')

  /** The streams of one connection. */
  function connect(request: FastifyRequest, transport: Transport) {
    const { viewer } = request
    const stops = new Map<string, Promise<() => void>>()
    let isOpen = true
    /** Messages keep the order of events, though some take longer to be made. */
    let queue = Promise.resolve()

    function later(work: () => void | Promise<void>) {
      queue = queue.then(() => (isOpen ? work() : undefined)).catch(fail)
    }

    function fail(error: unknown) {
      request.log.warn({ err: error }, 'a stream could not be told of an event; its client reloads')
      end('Some events could not be read; connect again.')
    }

    function end(reason: string) {
      close()
      transport.end(reason)
    }

    /** Begins a stream. @throws UnknownStream, OutOfScope, TooManySubscriptions, HashtagNotFound */
    async function subscribe(name: string, tag?: string) {
      const channel = channelOf(name, tag, request.streamScopes)
      const key = channel.stream.join(' ')
      if (stops.has(key)) return
      if (stops.size >= MOST) throw new TooManySubscriptions()
      const starting = start(channel)
      stops.set(key, starting)
      await starting.catch((error) => {
        stops.delete(key)
        throw error
      })
    }

    async function start({ target, ...channel }: Channel) {
      if (target === undefined) return () => {}
      const arrivals = channel.hasNotifications ? await arrivalsOf(app, request) : undefined
      const stop = await listen(viewer.userId, target, (item) => hear(item, channel, arrivals))
      if (!isOpen) stop()
      return stop
    }

    function hear(item: Item, channel: Channel, arrivals?: () => Promise<string[]>) {
      const say = (event: string, payload: string) => {
        if (isOpen) transport.send({ stream: channel.stream, event, payload })
      }
      if (item.event === 'reset') return end('Some events may have been missed; connect again.')
      if (item.event === 'notification' && arrivals)
        return later(async () => {
          for (const json of await within(arrivals)) say('notification', json)
        })
      if (!channel.hasStatuses) return
      if (item.event === 'tweet.deleted') {
        const { id } = item.data
        return later(() => say('delete', String(id)))
      }
      if (item.event !== 'tweet' || (channel.onlyMedia && item.data.media.length === 0)) return
      const making = statusOf(item.data, request)
      // Reported by the queue, unless the connection ends before.
      making.catch(() => {})
      return later(async () => {
        const json = await making
        if (json) say('update', json)
      })
    }

    /** Ends a stream; one that is not there is left alone. */
    function unsubscribe(name: string, tag?: string) {
      const key = [name, ...(name.startsWith('hashtag') && tag ? [tag] : [])].join(' ')
      stopOf(stops.get(key))
      stops.delete(key)
    }

    function close() {
      isOpen = false
      registry.remove(connection)
      for (const stop of stops.values()) stopOf(stop)
      stops.clear()
    }

    const stopOf = (starting: Promise<() => void> | undefined) =>
      starting?.then(
        (stop) => stop(),
        () => {},
      )

    const connection = { viewer, subscribe, unsubscribe, end, close }
    registry.add(connection)
    return connection
  }

  return connect
}

export type Connect = ReturnType<typeof createConnections>
export type Connection = ReturnType<Connect>
