import type { FastifyInstance } from 'birdhouse'
import { and, eq, gt } from 'drizzle-orm'

/** Adds the rows of an account to the archive for its owner, without hashes and secrets. */
export function addExports(app: FastifyInstance) {
  const { sessions, secondFactors, passkeys, loginAttempts } = app.tables

  app.exports.add('sessions', (userId, after, limit) =>
    app.db
      .select({
        id: sessions.id,
        ip: sessions.ip,
        userAgent: sessions.userAgent,
        createdAt: sessions.createdAt,
        lastUsedAt: sessions.lastUsedAt,
        expiresAt: sessions.expiresAt,
      })
      .from(sessions)
      .where(and(eq(sessions.userId, userId), gt(sessions.id, after)))
      .orderBy(sessions.id)
      .limit(limit),
  )

  app.exports.add('second-factor', (userId) =>
    app.db
      .select({ createdAt: secondFactors.createdAt, confirmedAt: secondFactors.confirmedAt })
      .from(secondFactors)
      .where(eq(secondFactors.userId, userId)),
  )

  app.exports.add('passkeys', (userId) =>
    app.db
      .select({
        name: passkeys.name,
        transports: passkeys.transports,
        counter: passkeys.counter,
        createdAt: passkeys.createdAt,
        lastUsedAt: passkeys.lastUsedAt,
      })
      .from(passkeys)
      .where(eq(passkeys.userId, userId))
      .orderBy(passkeys.id),
  )

  app.exports.add('logins', (userId) =>
    app.db
      .select({
        network: loginAttempts.network,
        failures: loginAttempts.failures,
        waitUntil: loginAttempts.waitUntil,
        changedAt: loginAttempts.changedAt,
      })
      .from(loginAttempts)
      .where(eq(loginAttempts.subject, userId)),
  )
}
