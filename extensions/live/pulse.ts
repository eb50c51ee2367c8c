import type { FastifyInstance } from 'birdhouse'
import { heartbeat } from './frames.ts'
import type { Pump } from './pump.ts'
import type { Stream, Streams } from './streams.ts'

const TICK = 500
/** Milliseconds: how long one who has logged out goes on reading. */
const CHECK = 5_000
/** Milliseconds; below the 60 s, sometimes 30 s, after which proxies cut a silent connection. */
const BEAT = 20_000

/** Keeps streams open, and ends those whose access token has run out or been revoked. */
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

  /** Asks again what let it in; a database that is out is no reason to end it. */
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
  // The time at which it runs out is in every token, which the type of its payload leaves out.
  const { exp } = request.user as { exp?: number }
  const end = exp ? exp * 1000 : now
  return end > now ? Math.min(end, now + CHECK) : now + CHECK
}
