import type {
  EventPayloads,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  JobHandler,
  Tx,
} from 'birdhouse'
import { and, gt, inArray, isNull, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import type {} from './config.ts'
import { createJournal, type LiveEvent } from './journal.ts'
import { createKinds, type EventName } from './kinds.ts'
import { createListeners, type Receive, type Target } from './listeners.ts'
import { createPlaces } from './places.ts'
import { createPulse } from './pulse.ts'
import { createPump } from './pump.ts'
import { createReplay } from './replay.ts'
import { createStreams } from './streams.ts'
import type {} from './tables.ts'
import { defineTweetEvents } from './tweets.ts'
import { createWake } from './wake.ts'

declare module 'fastify' {
  interface FastifyInstance {
    live: ReturnType<typeof createLive>
  }
  interface JobPayloads {
    'live.purge': object
    'live.tweet': EventPayloads['tweet.created']
    'live.tweet.deleted': EventPayloads['tweet.deleted']
    'live.event': { kind: string; userId: number; subjectId: number }
    'live.notification': { userId: number; notificationId: number }
  }
}

const PURGE_EVERY = 600
/** Events that one job slot appends together. */
const BATCH = 50

function createLive(app: FastifyInstance) {
  const journal = createJournal(app)
  const places = createPlaces(app)
  const streams = createStreams(app, places)
  const listeners = createListeners(app)
  const kinds = createKinds(app)
  defineTweetEvents(app, kinds)
  const parts = { journal, streams, listeners, kinds }
  const pump = createPump(app, parts)
  const replay = createReplay(parts, pump)
  const pulse = createPulse(app, streams, pump)
  const wake = createWake(app, pump.wake)
  let ending = false
  const append = app.jobs.merging(async (events: Omit<LiveEvent, 'seq'>[]) => {
    await journal.append(events)
    wake.tell()
  })
  app.jobs.define('live.event', append, { batch: BATCH })
  // Version 0.2 adds these jobs; some may wait during an upgrade.
  app.jobs.define('live.notification', ({ userId, notificationId: subjectId }) =>
    append({ kind: 'notification', userId, subjectId }),
  )
  subscribe(app, append)
  app.jobs.every('live.purge', PURGE_EVERY, journal.purge)

  /** Sends an event to the streams of a user after the commit, in every process, at least once. */
  async function emit(
    tx: Tx,
    name: EventName,
    { userId, subjectId }: { userId: number; subjectId: number },
  ) {
    await app.jobs.add(tx, ['live.event'], { kind: name, userId, subjectId })
  }

  /**
   * Sends the events after `lastId`, if given, then those to come.
   * @throws TooManyStreams; 401 if the session of the token does not exist
   */
  async function open(request: FastifyRequest, reply: FastifyReply, lastId?: number) {
    await app.auth.assertSession(request.viewer)
    const stream = streams.add(request, reply)
    try {
      const current = await pump.position(lastId)
      if (!streams.isOpen(stream)) return
      stream.position = lastId ?? current
      pulse.start(stream)
      streams.begin(stream)
      // Browsers reconnect after an end, but never after a 503.
      if (ending) return streams.end(stream)
      replay.catchUp(stream, stream.position > current).catch((error) => {
        request.log.warn({ err: error }, 'a stream could not catch up')
        streams.end(stream)
      })
    } catch (error) {
      streams.remove(stream)
      throw error
    }
  }

  /**
   * Calls `receive` with each event that is committed from now on, in any process, until the returned function is called:
   * what a user gets (`home`), or the tweets that the user sees of everyone (`public`) or with a hashtag.
   * @throws HashtagNotFound if the tag is none
   */
  async function listen(userId: number, target: Target, receive: Receive) {
    await pump.position()
    return listeners.add(userId, target, receive)
  }

  async function endAll() {
    ending = true
    pump.stop()
    pulse.stop()
    await streams.endAll()
  }

  app.metrics.gauge('birdhouse_live_streams', {
    help: 'Open live streams.',
    read: () => places.count(),
  })

  return {
    addEvent: kinds.addEvent,
    emit,
    kinds: kinds.all,
    open,
    listen,
    endAll,
    close: wake.close,
    journal,
    ...places,
  }
}

type Append = (event: Omit<LiveEvent, 'seq'>) => Promise<void>

/** Durable subscribers write the journal, so each committed event reaches it. */
function subscribe(app: FastifyInstance, append: Append) {
  const { tweets } = app.tables

  const readRecent = app.jobs.merging(async (ids: number[]) => {
    const keep = sql.raw(String(app.config.live.LIVE_KEEP_HOURS))
    const recent = gt(tweets.createdAt, sql`NOW(3) - INTERVAL ${keep} HOUR`)
    const rows = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(inArray(tweets.id, ids), isNull(tweets.deletedAt), recent))
    return new Set(rows.map(({ id }) => id))
  })

  const announce: JobHandler<EventPayloads['tweet.created']> = async ({ tweetId, authorId }) => {
    const recent = await readRecent(tweetId)
    if (recent.has(tweetId)) await append({ kind: 'tweet', subjectId: tweetId, userId: authorId })
  }
  app.events.subscribe('tweet.created', 'live.tweet', announce, { batch: BATCH })

  app.events.subscribe(
    'tweet.deleted',
    'live.tweet.deleted',
    ({ tweetId, authorId }) =>
      append({ kind: 'tweet.deleted', subjectId: tweetId, userId: authorId }),
    { batch: BATCH },
  )
}

export default fp(
  async (app) => {
    app.decorate('live', createLive(app))
    app.drain.signal.addEventListener('abort', () => void app.live.endAll())
    // For a close without draining, as in tests.
    app.addHook('preClose', () => app.live.endAll())
    app.addHook('onClose', async () => app.live.close())
  },
  {
    name: 'live.service',
    dependencies: ['auth.service', 'tweets.service', 'timeline.service'],
    optional: ['hashtags.service'],
  },
)
