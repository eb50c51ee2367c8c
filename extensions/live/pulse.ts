import type { FastifyInstance } from 'birdhouse'
import { heartbeat } from './frames.ts'
import type { Pump } from './pump.ts'
import type { Stream, Streams } from './streams.ts'

const TICK = 500
/** Milliseconds between token checks, and the most that a stream outlives its session. */
const CHECK = 5_000
/** Milliseconds between heartbeats; proxies cut a silent connection after 60 s, some after 30 s. */
const BEAT = 20_000

/** Sends heartbeats, and ends streams whose access token has expired or been revoked. */
export function createPulse(app: FastifyInstance, streams: Streams, pump: Pump) {
  let ticking = false
  const timer = setInterval(tick, TICK).unref()

  function start(stream: Stream) {
    const now = Date.now()
    Object.assign(stream, { checkAt: nextCheck(stream, now), beatAt: now + BEAT })
  }

  async function tick() {
    if (ticking) return
    ticking = true
    for (const stream of streams.all()) {
      const now = Date.now()
      if (now >= stream.checkAt) await check(stream, now)
      if (stream.live && now >= stream.beatAt) beat(stream, now)
    }
    ticking = false
  }

  /** Authenticates the request again; an unreachable database does not end the stream. */
  async function check(stream: Stream, now: number) {
    stream.checkAt = nextCheck(stream, now)
    try {
      await app.authenticate(stream.request, stream.reply)
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 401) streams.end(stream)
    }
  }

  function beat(stream: Stream, now: number) {
    stream.beatAt = now + BEAT
    streams.write(stream, heartbeat(pump.toldTo(stream)))
  }

  return { start, stop: () => clearInterval(timer) }
}

function nextCheck({ request }: Stream, now: number) {
  // Every token has `exp`, which the type of the payload omits.
  const { exp } = request.user as { exp?: number }
  const end = exp ? exp * 1000 : now
  return end > now ? Math.min(end, now + CHECK) : now + CHECK
}
