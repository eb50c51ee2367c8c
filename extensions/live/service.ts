import type { FastifyInstance, FastifyReply, FastifyRequest } from 'birdhouse'
import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import fp from 'fastify-plugin'
import { createComposer } from './compose.ts'
import { createJournal } from './journal.ts'
import { createPulse } from './pulse.ts'
import { createPump } from './pump.ts'
import { createReplay } from './replay.ts'
import { createStreams } from './streams.ts'
import { createWake } from './wake.ts'

declare module 'fastify' {
  interface FastifyInstance {
    live: ReturnType<typeof createLive>
  }
  interface JobPayloads {
    'live.purge': object
    'live.tweet': EventPayloads['tweet.created']
    'live.tweet.deleted': EventPayloads['tweet.deleted']
    'live.notification': { userId: number; notificationId: number }
  }
}

const PURGE_EVERY = 600

function createLive(app: FastifyInstance) {
  const journal = createJournal(app)
  const streams = createStreams(app)
  const composer = createComposer(app)
  const pump = createPump(app, { journal, streams, composer })
  const replay = createReplay({ journal, streams, composer }, pump)
  const pulse = createPulse(app, streams, pump)
  const wake = createWake(app, pump.wake)
  let ending = false
  subscribe(app, async (event) => {
    await journal.append(event)
    wake.tell()
  })
  app.jobs.every('live.purge', PURGE_EVERY, journal.purge)

  /**
   * Sends the events after `lastId`, if given, then those to come.
   * @throws TooManyStreams; 401 if the session of the token does not exist
   */
  async function open(request: FastifyRequest, reply: FastifyReply, lastId?: number) {
    await app.auth.assertSession(request.viewer)
    composer.useSchemaOf(reply)
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

  async function endAll() {
    ending = true
    pump.stop()
    pulse.stop()
    await streams.endAll()
  }

  /** The number of open streams of one user, or of all. */
  const count = (userId?: number) =>
    [...(userId === undefined ? streams.all() : streams.of(userId))].length

  return { open, endAll, close: wake.close, journal, count }
}

type Append = (event: Parameters<ReturnType<typeof createJournal>['append']>[0]) => Promise<void>

/** Durable subscribers write the journal, so each committed event reaches it. */
function subscribe(app: FastifyInstance, append: Append) {
  const { tweets } = app.tables

  app.events.subscribe('tweet.created', 'live.tweet', async ({ tweetId, authorId }) => {
    const keep = sql.raw(String(app.config.live.LIVE_KEEP_HOURS))
    const recent = gt(tweets.createdAt, sql`NOW(3) - INTERVAL ${keep} HOUR`)
    const [tweet] = await app.db
      .select({ id: tweets.id })
      .from(tweets)
      .where(and(eq(tweets.id, tweetId), isNull(tweets.deletedAt), recent))
    if (tweet) await append({ kind: 'tweet', subjectId: tweetId, userId: authorId })
  })

  app.events.subscribe('tweet.deleted', 'live.tweet.deleted', async ({ tweetId, authorId }) =>
    append({ kind: 'tweet.deleted', subjectId: tweetId, userId: authorId }),
  )

  app.events.subscribe('notification.created', 'live.notification', async (payload) =>
    append({
      kind: 'notification',
      subjectId: payload.notificationId,
      userId: payload.userId,
    }),
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
  { name: 'live.service', dependencies: ['auth.service', 'tweets.service', 'timeline.service'] },
)
