import type { FastifyInstance } from 'birdhouse'

/** Milliseconds between looks at the sessions; a stream outlives its session by less than 5 s. */
const CHECK = 3_000
/** Milliseconds for the look. */
const LIMIT = 2_000

type Connection = { viewer: { sessionId: number }; end: (reason: string) => void }

/** Ends open connections with their sessions, and when the process is about to end. */
export function createRegistry(app: FastifyInstance) {
  const open = new Set<Connection>()
  const validAmong = app.features.own(app.mastodon.tokens.openAmong, LIMIT, 'streaming')
  let isChecking = false
  const timer = setInterval(check, CHECK).unref()
  app.drain.signal.addEventListener('abort', endAll)
  // For a close without draining, as in tests.
  app.addHook('preClose', async () => endAll())

  async function check() {
    if (isChecking || open.size === 0) return
    isChecking = true
    try {
      const looked = [...open]
      const valid = await validAmong([...new Set(looked.map(({ viewer }) => viewer.sessionId))])
      for (const one of looked)
        if (!valid.has(one.viewer.sessionId)) one.end('The session has ended.')
    } catch (error) {
      // An outage ends no stream; the next look follows soon.
      app.log.warn({ err: error }, 'the sessions of streams could not be checked')
    }
    isChecking = false
  }

  function endAll() {
    clearInterval(timer)
    for (const one of [...open]) one.end('The server restarts; connect again.')
  }

  return {
    add: (connection: Connection) => void open.add(connection),
    remove: (connection: Connection) => void open.delete(connection),
  }
}

export type Registry = ReturnType<typeof createRegistry>
