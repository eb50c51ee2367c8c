import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    inTime: typeof inTime
  }
}

/**
 * Rejects with `late()` after that many milliseconds; the work itself goes on. Creates no Error unless it
 * is late: an Error per call took a tenth of the time to read a tweet.
 */
export async function inTime<Value>(
  work: Promise<Value>,
  milliseconds: number,
  late = () => new Error(`took longer than ${milliseconds} ms`),
) {
  const { promise, reject } = Promise.withResolvers<never>()
  // After a block of the event loop, results that wait in a socket are read before an immediate runs.
  const timer = setTimeout(() => setImmediate(() => reject(late())), milliseconds)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

export default fp(async (app) => void app.decorate('inTime', inTime), { name: 'in-time' })
