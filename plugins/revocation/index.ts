import { lt, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from '../db/client.ts'
import { outsideExtensions } from '../db/extension-work.ts'
import { afterCommit } from '../db/transaction.ts'
import type { Role } from '../features/feature.ts'
import { createEnded, type Ended } from './ended.ts'

declare module 'fastify' {
  interface FastifyInstance {
    revocation: ReturnType<typeof createRevocation>
  }
  interface JobPayloads {
    'revocation.purge': object
  }
}

/** Milliseconds for which the sessions in memory are used without an update. */
const FRESH = 500
/** Seconds between purges of expired rows. */
const PURGE_EVERY = 3600

/**
 * Sessions that ended before their last access token expires. Every process keeps their ids in memory. Ids
 * that were read more than 500 ms ago are updated before use, so a revocation by another process applies
 * within that time, an idle process sends no queries, and requests fail while the database is unreachable.
 */
function createRevocation(app: FastifyInstance) {
  const { revokedSessions } = app.tables
  const ended = createEnded(app)
  let updatedAt = Number.NEGATIVE_INFINITY
  let updating: Promise<void> | undefined

  /** Refuses the access tokens of these sessions: at once in this process, within 1 s in all others. */
  async function revoke(tx: Tx, sessions: Ended[]) {
    if (sessions.length === 0) return
    await tx.insert(revokedSessions).ignore().values(sessions)
    afterCommit(tx, () => ended.add(sessions))
  }

  async function isRevoked(sessionId: number) {
    if (performance.now() - updatedAt > FRESH) await update()
    return ended.has(sessionId)
  }

  /** Concurrent calls share one update. */
  function update() {
    const startedAt = performance.now()
    updating ??= outsideExtensions(ended.update)
      .then(() => {
        updatedAt = startedAt
      })
      .finally(() => {
        updating = undefined
      })
    return updating
  }

  async function purge() {
    await app.deleteInBatches(revokedSessions, lt(revokedSessions.until, sql`NOW(3)`))
  }

  return { revoke, isRevoked, update, purge }
}

export default fp<{ role: Role }>(
  async (app, { role }) => {
    app.decorate('revocation', createRevocation(app))
    app.jobs.every('revocation.purge', PURGE_EVERY, app.revocation.purge)
    // The first request need not wait for all ended sessions.
    if (role === 'service') app.addHook('onReady', app.revocation.update)
  },
  { name: 'revocation', dependencies: ['db', 'jobs'] },
)
