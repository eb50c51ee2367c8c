import { gt, lt, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'
import { outsideExtensions } from './db/extension-work.ts'
import { afterCommit } from './db/transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    revocation: ReturnType<typeof createRevocation>
  }
  interface JobPayloads {
    'revocation.purge': object
  }
}

/** Milliseconds for which the set in memory is used without reading it again. */
const FRESH = 500
/** Seconds between purges of expired rows. */
const PURGE_EVERY = 3600

type Revoked = { sessionId: number; until: Date }

/**
 * Sessions that ended before their last access token expires. Every process keeps the whole set in
 * memory; it is small, because access tokens are short-lived. A set older than 500 ms is read again
 * before use, so a revocation by another process applies within that time, an idle process sends no
 * queries, and requests fail while the database is unreachable.
 */
function createRevocation(app: FastifyInstance) {
  const { revokedSessions } = app.tables
  const revoked = new Map<number, number>()
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  async function read() {
    const startedAt = performance.now()
    addAll(
      await app.db.select().from(revokedSessions).where(gt(revokedSessions.until, sql`NOW(3)`)),
    )
    for (const [sessionId, until] of revoked) if (until < Date.now()) revoked.delete(sessionId)
    readAt = startedAt
  }

  const addAll = (sessions: Revoked[]) => {
    for (const { sessionId, until } of sessions) revoked.set(sessionId, until.getTime())
  }

  /** Refuses the access tokens of these sessions: at once in this process, within 1 s in all others. */
  async function revoke(tx: Tx, sessions: Revoked[]) {
    if (sessions.length === 0) return
    await tx.insert(revokedSessions).ignore().values(sessions)
    afterCommit(tx, () => addAll(sessions))
  }

  async function isRevoked(sessionId: number) {
    if (performance.now() - readAt > FRESH) {
      reading ??= outsideExtensions(read).finally(() => {
        reading = undefined
      })
      await reading
    }
    return revoked.has(sessionId)
  }

  async function purge() {
    await app.deleteInBatches(revokedSessions, lt(revokedSessions.until, sql`NOW(3)`))
  }

  return { revoke, isRevoked, purge }
}

export default fp(
  async (app) => {
    app.decorate('revocation', createRevocation(app))
    app.jobs.every('revocation.purge', PURGE_EVERY, app.revocation.purge)
  },
  { name: 'revocation', dependencies: ['db', 'jobs'] },
)
