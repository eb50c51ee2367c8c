import fp from 'fastify-plugin'
import { lastRun } from './db/extension-work.ts'

/** Milliseconds between two looks, and of a block that is logged. */
const EVERY = 200
const BLOCKED = 1_000

/**
 * Logs that the event loop was blocked, and which extension ran last before that. No cheap means tells
 * exactly whose code blocked it.
 */
export default fp(
  async (app) => {
    let lookedAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const milliseconds = Math.round(now - lookedAt - EVERY)
      const lastExtension = lastRun.at >= lookedAt ? lastRun.owner : undefined
      lookedAt = now
      if (milliseconds < BLOCKED) return
      app.log.warn({ milliseconds, lastExtension }, 'the event loop was blocked')
    }, EVERY).unref()
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'event-loop' },
)
